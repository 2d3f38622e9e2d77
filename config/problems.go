package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problems is the error of [Load]: everything that is wrong with one file, in
// the order of its lines.
type Problems []error

// Error returns one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, err := range p {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single problems, for errors.Is and errors.As.
func (p Problems) Unwrap() []error { return p }

// problem is one thing that is wrong with a configuration file.
type problem struct {
	file  string
	line  int    // 0 where no line can be named
	path  string // such as ops_managers[0].url; "" for the whole file
	text  string // what is wrong and what to do; holds no secret
	cause error  // nil, or what the operating system said
}

func (p *problem) Error() string {
	var b strings.Builder
	b.WriteString(p.file)
	if p.line > 0 {
		fmt.Fprintf(&b, ":%d", p.line)
	}
	b.WriteString(": ")
	if p.path != "" {
		b.WriteString(p.path)
		b.WriteString(": ")
	}
	b.WriteString(p.text)
	return b.String()
}

func (p *problem) Unwrap() error { return p.cause }

// sortByLine puts the problems in the order in which a reader of the file meets them.
func sortByLine(problems []*problem) Problems {
	slices.SortStableFunc(problems, func(a, b *problem) int { return a.line - b.line })
	sorted := make(Problems, len(problems))
	for i, p := range problems {
		sorted[i] = p
	}
	return sorted
}

// keyShape is what the halves of a key that Ops Manager makes look like: eight
// letters, and a UUID. They get into the wrong line now and then.
var keyShape = regexp.MustCompile(`^[a-z]{8}$|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// quote shows a value that is not secret, on one line and not too long; but not
// if it looks like a key all the same.
func quote(s string) string {
	if keyShape.MatchString(s) {
		return "a value that looks like a key"
	}
	return quoteName(s)
}

// quoteName is quote for what a user sees as a name anyway.
func quoteName(s string) string {
	const most = 80
	if len(s) <= most {
		return strconv.Quote(s)
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut]) + "..."
}
