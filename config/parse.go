package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxNodes limits the memory used for parsing to 20 times the maximum file size: a
// node takes up to 500 bytes. It suffices for 100,000 organizations, or for 20,000
// with their own names and key files.
const maxNodes = 300_000

// parse returns the root node of the only document in a configuration file. The
// library's error texts quote the input, including keys, so only their line number
// is used.
func parse(data []byte) (*yaml.Node, *problem) {
	if nodes(data) > maxNodes {
		return nil, &problem{text: fmt.Sprintf("contains more than about %d values and comments: split it across several exporters", maxNodes)}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil { // never without options
		return nil, &problem{text: "cannot be parsed: the YAML library failed to start"}
	}
	var document, second yaml.Node
	switch err := loader.Load(&document); {
	case errors.Is(err, io.EOF):
		return nil, emptyFile()
	case err != nil:
		return nil, syntaxProblem(data, err)
	}
	root := document.Content[0]
	if isNull(root) {
		return nil, emptyFile()
	}
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
		return root, nil
	case err != nil:
		return nil, syntaxProblem(data, err)
	}
	return nil, &problem{line: second.Line, text: "a second YAML document starts here: merge it into the first and remove the ---"}
}

// nodes returns an upper bound on the number of nodes and comments in YAML text.
// Every node but one needs an indicator; the library keeps comments.
func nodes(data []byte) int {
	n := 1
	for i, c := range data {
		switch c {
		case ':', ',', '[', '{', '?': // Up to two nodes each: a key and its value, a list and its first item.
			n += 2
		case '#':
			if i == 0 || data[i-1] <= ' ' {
				n++
			}
		case '-':
			if i+1 == len(data) || data[i+1] <= ' ' || data[i+1] >= utf8.RuneSelf {
				n++
			}
		}
	}
	return n
}

func emptyFile() *problem {
	return &problem{text: "is empty: it must contain ops_managers with at least one Ops Manager"}
}

// syntaxProblem keeps the line of a YAML error and replaces its text.
func syntaxProblem(data []byte, err error) *problem {
	p := &problem{text: "is not valid YAML: check the indentation, and quote values with special characters"}
	syntax, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return p
	}
	p.line = syntax.Mark.Line
	if p.line == 0 && syntax.Mark.Index > 0 && syntax.Mark.Index <= len(data) {
		p.line = 1 + bytes.Count(data[:syntax.Mark.Index], []byte("\n"))
	}
	message := syntax.Message + "\n" + syntax.ContextMsg
	if strings.Contains(message, "cannot start any token") && bytes.HasPrefix(bytes.TrimLeft(lineOf(data, p.line), " "), []byte("\t")) {
		message = "tab character"
	}
	for _, e := range syntaxExplanations() {
		if strings.Contains(message, e.sign) {
			p.text = "is not valid YAML: " + e.text
			if e.atStart && syntax.ContextMark.Line > 0 {
				p.line = syntax.ContextMark.Line
			}
			break
		}
	}
	return p
}

// lineOf returns a line of text, counted from 1; nil if there is no such line.
func lineOf(data []byte, number int) []byte {
	for line := range bytes.Lines(data) {
		if number--; number == 0 {
			return line
		}
	}
	return nil
}

type syntaxExplanation struct {
	sign    string // part of the library's message or its context
	text    string
	atStart bool // report the line where the construct begins, not the one where it failed
}

// syntaxExplanations returns explanations of common errors; the first match wins.
func syntaxExplanations() []syntaxExplanation {
	const backslash = "a backslash in double quotes starts an escape sequence: use single quotes"
	return []syntaxExplanation{
		{sign: "tab character", text: "a tab in the indentation: use spaces"},
		{sign: "Unicode character escape", text: `an escape in double quotes is a surrogate, one half of a pair such as \ud83d\ude80: write the character itself`},
		{sign: "hexadecimal number", text: backslash},
		{sign: "unknown escape character", text: backslash},
		{sign: "while scanning a quoted scalar", text: "a quoted value is not closed: add the closing quote, and use single quotes if it contains backslashes", atStart: true},
		{sign: "while parsing a flow", text: "a { or [ is not closed, or a comma is missing: close it, or quote the value that begins with it", atStart: true},
		{sign: "mapping values are not allowed", text: "a value contains \": \", or the line is indented incorrectly: quote the value or fix the indentation"},
		{sign: "while parsing a block", text: "the line does not fit the structure above it: check indentation and quotes"},
	}
}
