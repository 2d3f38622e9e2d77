package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// The library could decode into structs and reject unknown keys. This package does
// not use that because the library's errors quote values, including API keys, because
// it drops the line numbers that later checks need, and because it would parse an
// unquoted organization ID such as 571234567890123456789e10 as a number.

const (
	// maxValues limits the work that nested aliases can cause.
	maxValues = 500_000
	// maxMerges limits a chain of merge keys, which may be circular.
	maxMerges = 16
)

// decoder walks the nodes of one file and collects problems.
type decoder struct {
	dir       string // base of relative file names
	problems  []*problem
	stopped   bool           // further problems are ignored
	values    int            // mapping entries and list items seen
	orgLines  map[string]int // where each organization ID was first seen
	nameLines map[string]int // where each Ops Manager name was first seen
}

// value is a value in the file and its position.
type value struct {
	node *yaml.Node // never an alias
	// line is that of the alias through which the value was reached, if any, because
	// the problem is its use there.
	line    int
	aliased bool
	path    string // such as ops_managers[0].orgs[2].id
}

// problem records a problem with v. The arguments must not contain a secret.
func (d *decoder) problem(v value, format string, args ...any) {
	if d.stopped {
		return
	}
	d.problems = append(d.problems, &problem{line: v.line, path: v.path, text: fmt.Sprintf(format, args...)})
	d.stopped = len(d.problems) == maxProblems
}

// count counts a value and reports whether it may be decoded.
func (d *decoder) count(v value) bool {
	if d.values++; d.values > maxValues {
		d.problem(value{line: v.line}, "contains more than %d values: use fewer aliases", maxValues)
		d.stopped = true
	}
	return !d.stopped
}

// child returns the value inside v for a node that may be an alias. line is that of
// its key or list and is used if the node has none.
func (v value) child(path string, n *yaml.Node, line int) value {
	c := value{node: target(n), line: line, aliased: v.aliased || n.Kind == yaml.AliasNode, path: path}
	switch {
	case v.aliased:
		c.line = v.line
	case n.Line > 0 && !isNull(c.node):
		c.line = n.Line
	}
	return c
}

// target follows aliases. Each refers to a node earlier in the file.
func target(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// isNull reports whether a node is empty, or an unquoted ~ or null.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// ofKind reports whether v is of the kind that the schema requires, and records a
// problem if not.
func (d *decoder) ofKind(v value, want yaml.Kind) bool {
	switch {
	case isNull(v.node):
		d.problem(v, "has no value: set one or remove the line (text that begins with # or & must be quoted)")
	case v.node.Kind != want && want == yaml.ScalarNode && v.node.Style&yaml.FlowStyle != 0:
		d.problem(v, "must be a single value, not %s: text that begins with { or [ must be quoted", kindName(v.node.Kind))
	case v.node.Kind != want:
		d.problem(v, "must be %s, not %s", kindName(want), kindName(v.node.Kind))
	case !isPlainTag(v.node):
		d.problem(v, "has a YAML tag: remove it (text that begins with ! must be quoted)")
	default:
		return true
	}
	return false
}

func kindName(k yaml.Kind) string {
	switch k {
	case yaml.MappingNode:
		return "a mapping (key: value)"
	case yaml.SequenceNode:
		return "a list (- item)"
	}
	return "a single value"
}

// isPlainTag reports whether the node has no explicit tag, or a redundant one.
func isPlainTag(n *yaml.Node) bool {
	if n.Tag == "!" {
		return false
	}
	return n.Style&yaml.TaggedStyle == 0 || slices.Contains([]string{"!!str", "!!map", "!!seq"}, n.Tag)
}

// list calls item for each item of v and returns their number, or -1 if v is not a
// list.
func (d *decoder) list(v value, item func(int, value)) int {
	if !d.ofKind(v, yaml.SequenceNode) {
		return -1
	}
	for i, n := range v.node.Content {
		it := v.child(fmt.Sprintf("%s[%d]", v.path, i), n, max(n.Line, v.line))
		if !d.count(it) {
			break
		}
		item(i, it)
	}
	return len(v.node.Content)
}

// text returns single-line text. Callers may quote it in errors.
func (d *decoder) text(v value) (string, bool) {
	if !d.ofKind(v, yaml.ScalarNode) {
		return "", false
	}
	s := v.node.Value
	switch {
	case strings.TrimFunc(s, isBlank) == "":
		d.problem(v, "is empty: set a value or remove the line")
	case strings.ContainsFunc(s, isUnprintable):
		d.problem(v, "contains line breaks or control characters: %s", oneLine(v))
	default:
		return s, true
	}
	return "", false
}

// oneLine explains how to write a single-line value.
func oneLine(v value) string {
	if v.node.Style&yaml.DoubleQuotedStyle != 0 {
		return "use plain text on a single line (in double quotes, a backslash starts an escape sequence: use single quotes)"
	}
	return "use plain text on a single line"
}

// block returns text that may span several lines, such as a certificate.
func (d *decoder) block(v value) (string, bool) {
	if !d.ofKind(v, yaml.ScalarNode) {
		return "", false
	}
	if strings.TrimSpace(v.node.Value) == "" {
		d.problem(v, "is empty: set a value or remove the line")
		return "", false
	}
	return v.node.Value, true
}

// secret returns single-line text that appears in no error.
func (d *decoder) secret(v value) (Secret, bool) {
	if !d.ofKind(v, yaml.ScalarNode) {
		return Secret{}, false
	}
	s, err := cleanKey(v.node.Value)
	switch {
	case err == nil:
		return s, true
	case errors.Is(err, errKeyEmpty):
		d.problem(v, "is empty: set a value or remove the line")
	default:
		d.problem(v, "contains line breaks or control characters: %s", oneLine(v))
	}
	return Secret{}, false
}

// boolean returns a boolean, spelled as in the core schema of YAML 1.2.
func (d *decoder) boolean(v value) bool {
	s, ok := d.text(v)
	switch {
	case !ok:
	case slices.Contains([]string{"true", "True", "TRUE"}, s):
		return true
	case !slices.Contains([]string{"false", "False", "FALSE"}, s):
		d.problem(v, "%s is not a boolean: use true or false", quote(s))
	}
	return false
}
