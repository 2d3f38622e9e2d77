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
	// maxProblems limits the work on a file that is not a configuration at all.
	maxProblems = 1000
	// shownProblems limits the size of a log record or an HTTP response.
	shownProblems = 20
)

// Problems is the error of [Load]: all problems of one file in line order. Decoding
// stops after 1,000 problems.
type Problems []error

// Error returns one line for each of the first 20 problems, and one with the number
// of further problems.
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

// Truncated reports whether the file may have more problems than p holds.
func (p Problems) Truncated() bool { return len(p) >= maxProblems }

// problem is one problem of a configuration file.
type problem struct {
	file string
	line int    // 0 if unknown
	path string // such as ops_managers[0].url; "" for the whole file
	text string // the problem and the fix; contains no secret
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

// sortByLine sorts problems by line.
func sortByLine(problems []*problem) Problems {
	slices.SortStableFunc(problems, func(a, b *problem) int { return a.line - b.line })
	sorted := make(Problems, len(problems))
	for i, p := range problems {
		sorted[i] = p
	}
	return sorted
}

// keyShape matches the halves of credentials, which are sometimes put on the wrong
// line: those of a key as Ops Manager generates them, eight letters and a UUID, and
// those of a service account.
var keyShape = regexp.MustCompile(`^[a-z]{8}$|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|mdb_sa_(id|sk)_`)

// quote quotes a value that should not be secret, shortened to fit on one line. It
// does not show a value that looks like a key.
func quote(s string) string {
	if keyShape.MatchString(s) {
		return "a value that looks like a key"
	}
	return quoteName(s)
}

// quoteName quotes like quote but shows values that look like a key.
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
