package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"opsmanager_exporter/config/nearest"
)

// fields maps the valid keys of a mapping to the decoders of their values.
type fields map[string]func(value)

// mapping decodes the value of each key of v, in file order, and returns the line of
// each key, or nil if v is not a mapping. Unknown and duplicate keys are problems. A
// misspelled key counts as the intended one. private means that keys may be secrets
// given by mistake, as in "public: private".
func (d *decoder) mapping(v value, private bool, known fields) map[string]int {
	if !d.ofKind(v, yaml.MappingNode) {
		return nil
	}
	lines, misspelt := map[string]int{}, map[string]int{}
	for _, e := range d.entries(v, 0) {
		if d.stopped {
			break
		}
		handle, ok := known[e.key]
		if !ok {
			if meant := d.unknownKey(v, e, private, known); meant != "" {
				misspelt[meant] = e.line
			}
			continue
		}
		if first, twice := lines[e.key]; twice {
			if !e.merged {
				d.problem(value{line: e.line, path: join(v.path, e.key)}, "is given twice: remove it here or on line %d", first)
			}
			continue
		}
		lines[e.key] = e.line
		// Keys after one without a value may be its incorrectly indented value.
		private = private || isNull(target(e.node))
		handle(e.at(v.path).child(join(v.path, e.key), e.node, e.line))
	}
	for key, line := range misspelt {
		if lines[key] == 0 {
			lines[key] = line
		}
	}
	return lines
}

// entry is one key of a mapping with its value.
type entry struct {
	key     string
	plain   bool // the key is a single value
	line    int
	node    *yaml.Node
	aliased bool // see value
	merged  bool // added by a merge key; the mapping's own keys take precedence
}

// at returns the position of the key, for problems and children.
func (e entry) at(path string) value { return value{line: e.line, aliased: e.aliased, path: path} }

// entries returns the entries of v, followed by those of its merge keys.
func (d *decoder) entries(v value, depth int) []entry {
	var own, merged []entry
	mergeKeys := 0
	content := v.node.Content
	for i := 0; i+1 < len(content); i += 2 {
		key, val := target(content[i]), content[i+1]
		e := entry{key: key.Value, plain: key.Kind == yaml.ScalarNode, line: content[i].Line, node: val, aliased: v.aliased, merged: depth > 0}
		if v.aliased {
			e.line = v.line
		}
		at := e.at(v.path)
		if !d.count(at) {
			break
		}
		if key.Tag == "!!merge" {
			if mergeKeys++; mergeKeys > 1 {
				d.problem(at, "<< is given twice: use one << with a list of aliases")
			}
			merged = append(merged, d.merge(at.child(v.path, val, e.line), depth+1)...)
			continue
		}
		own = append(own, e)
	}
	return append(own, merged...)
}

// merge returns the entries that a merge key adds.
func (d *decoder) merge(v value, depth int) []entry {
	const wrong = "<< must be followed by an alias of a mapping, or a list of them"
	if depth > maxMerges {
		d.problem(v, "<< is nested more than %d times: use fewer", maxMerges)
		return nil
	}
	switch v.node.Kind {
	case yaml.MappingNode:
		return d.entries(v, depth)
	case yaml.SequenceNode:
		var all []entry
		for _, n := range v.node.Content {
			item := v.child(v.path, n, v.line)
			if !d.count(item) {
				break
			}
			if item.node.Kind != yaml.MappingNode {
				d.problem(item, wrong)
				continue
			}
			all = append(all, d.entries(item, depth)...)
		}
		return all
	}
	d.problem(v, wrong)
	return nil
}

// unknownKey records an unknown key and returns the valid key that it may misspell,
// or "".
func (d *decoder) unknownKey(v value, e entry, private bool, known fields) string {
	at := e.at(v.path)
	near := nearest.Of(e.key, keys(known))
	switch {
	case !e.plain:
		d.problem(at, "a key is a list or a mapping: use key: value (text that begins with { or [ must be quoted)")
	case settingOf(e.key) != "":
		d.problem(at, "unknown key %s: it belongs under %s", e.key, settingOf(e.key))
	case near != "":
		d.problem(at, "unknown key %s: did you mean %s?", quoteName(e.key), near)
	case private || !isWord(e.key) || keyShape.MatchString(e.key) || isNull(target(e.node)):
		d.problem(at, "unknown key: valid keys are %s", list(known))
	default:
		d.problem(at, "unknown key %s: valid keys are %s", quote(e.key), list(known))
	}
	return near
}

// isWord reports whether s looks like the name of a setting rather than its value.
func isWord(s string) bool {
	return len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_-") == ""
}

func keys(known fields) []string {
	all := make([]string, 0, len(known))
	for k := range known {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func list(known fields) string { return strings.Join(keys(known), ", ") }

// join returns the path of a key.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return fmt.Sprintf("%s.%s", path, key)
}
