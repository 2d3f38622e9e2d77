package config

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parse turns the text of a configuration file into the root node of its only
// document. The library's error texts quote the input, keys included, so
// nothing of them is passed on but the line.
func parse(data []byte) (*yaml.Node, *problem) {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, &problem{text: "cannot be parsed: the YAML library does not start"}
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
	return nil, &problem{line: second.Line, text: "a second YAML document begins here: put everything into one and remove the ---"}
}

func emptyFile() *problem {
	return &problem{text: "is empty: it must hold ops_managers with at least one Ops Manager"}
}

// syntaxProblem keeps the line of a YAML error and replaces its text by one of ours.
func syntaxProblem(data []byte, err error) *problem {
	const unknown = "is not YAML: check the indentation, and put values with special characters in quotes"
	var syntax *yaml.LoadError
	if !errors.As(err, &syntax) {
		return &problem{text: unknown}
	}
	p := &problem{line: syntax.Mark.Line, text: unknown}
	if p.line == 0 && syntax.Mark.Index > 0 && syntax.Mark.Index <= len(data) {
		p.line = 1 + bytes.Count(data[:syntax.Mark.Index], []byte("\n"))
	}
	for _, e := range syntaxExplanations() {
		if !strings.Contains(syntax.Message, e.sign) && !strings.Contains(syntax.ContextMsg, e.sign) {
			continue
		}
		p.text = "is not YAML: " + e.text
		if e.atStart && syntax.ContextMark.Line > 0 {
			p.line = syntax.ContextMark.Line
		}
		break
	}
	return p
}

type syntaxExplanation struct {
	sign    string // what the library's message or its context contains
	text    string
	atStart bool // the line where the construct begins helps more than the one where it failed
}

// syntaxExplanations are tried in order.
func syntaxExplanations() []syntaxExplanation {
	return []syntaxExplanation{
		{sign: "unknown anchor", text: "a value that begins with * is an alias, and nothing has that anchor: put the value in quotes"},
		{sign: "while scanning an anchor", text: "a value begins with &: put it in quotes"},
		{sign: "while scanning an alias", text: "a value begins with *: put it in quotes"},
		{sign: "while scanning a tag", text: "a value begins with !: put it in quotes"},
		{sign: "while parsing a node", text: "a value begins with !: put it in quotes"},
		{sign: "while scanning a block scalar", text: "a value begins with | or >: put it in quotes, or indent the lines of the block", atStart: true},
		{sign: "unknown escape character", text: "a backslash in double quotes begins an escape that does not exist: use single quotes"},
		{sign: "while scanning a quoted scalar", text: "a quoted value does not end: add the closing quote", atStart: true},
		{sign: "while parsing a flow", text: "a { or [ here or above is not closed, or a comma is missing: close it, or put a value that begins with it in quotes", atStart: true},
		{sign: "mapping values are not allowed", text: "a value contains \": \" or the line is indented wrongly: put the value in quotes or align the line"},
		{sign: "mapping keys are not allowed", text: "a value begins with ?: put it in quotes"},
		{sign: "block sequence entries are not allowed", text: "a list entry (-) stands in the wrong place: begin it on a line of its own"},
		{sign: "cannot start any token", text: "a tab, or a value that begins with @, ` or %: indent with spaces, put the value in quotes"},
		{sign: "tab", text: "a tab in the indentation: use spaces"},
		{sign: "could not find expected ':'", text: "a key without a colon: write key: value, and check the indentation", atStart: true},
		{sign: "did not find expected", text: "the line does not continue what stands above it: check the indentation and the quotes"},
		{sign: "control characters", text: "a control character: remove it"},
		{sign: "max depth", text: "nested too deeply"},
	}
}
