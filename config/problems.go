package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxProblems bounds the work on a file that is no configuration at all.
	maxProblems = 1000
	// shownProblems bounds what a log record or an HTTP answer has to hold.
	shownProblems = 20
)

// Problems is the error of [Load]: everything that is wrong with one file, in
// the order of its lines. After 1,000 problems the rest of the file is not
// looked at.
type Problems []error

// Error returns one line for each of the first 20 problems, and one that says
// how many more there are.
func (p Problems) Error() string {
	var lines []string
	for _, err := range p[:min(len(p), shownProblems)] {
		lines = append(lines, err.Error())
	}
	if more := len(p) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more: run check to list them", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns all problems, for errors.Is and errors.As.
func (p Problems) Unwrap() []error { return p }

// Truncated reports whether there may be more problems than p holds.
func (p Problems) Truncated() bool { return len(p) >= maxProblems }

// problem is one thing that is wrong with a configuration file.
type problem struct {
	file string
	line int    // 0 where no line can be named
	path string // such as ops_managers[0].url; "" for the whole file
	text string // what is wrong and what to do; holds no secret
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

// sortByLine puts the problems in the order in which a reader of the file meets them.
func sortByLine(problems []*problem) Problems {
	slices.SortStableFunc(problems, func(a, b *problem) int { return a.line - b.line })
	sorted := make(Problems, len(problems))
	for i, p := range problems {
		sorted[i] = p
	}
	return sorted
}

// keyShape matches the halves of a key as Ops Manager makes them: eight letters,
// and a UUID. Now and then they end up on the wrong line.
var keyShape = regexp.MustCompile(`^[a-z]{8}$|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// quote shows a value that should not be secret, on one line and not too long,
// unless it looks like a key nevertheless.
func quote(s string) string {
	if keyShape.MatchString(s) {
		return "a value that looks like a key"
	}
	return quoteName(s)
}

// quoteName is quote for what is shown as a name anyway.
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
