package chart_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The table of values in the chart's README contains every value with its default. A row
// for a mapping covers everything in it.
func TestREADME(t *testing.T) {
	var defaults map[string]any
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chart, "values.yaml"))), &defaults); err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]string) // defaults by the paths of values
	_, table, _ := strings.Cut(read(t, filepath.Join(chart, "README.md")), "\n| value | default | |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	code := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			t.Fatalf("a row of %d cells: %s", len(cells)-2, line)
		}
		for _, name := range code.FindAllStringSubmatch(cells[1], -1) {
			if _, twice := rows[name[1]]; twice {
				t.Errorf("%s stands twice", name[1])
			}
			rows[name[1]] = strings.Trim(strings.TrimSpace(cells[2]), "`")
		}
	}
	var known []string
	var walk func(path string, value any)
	walk = func(path string, value any) {
		_, listed := rows[path]
		mapping, _ := value.(map[string]any)
		if !listed && len(mapping) > 0 {
			for key, v := range mapping {
				walk(strings.TrimPrefix(path+"."+key, "."), v)
			}
			return
		}
		known = append(known, path)
		if !listed {
			t.Errorf("the table lacks %s", path)
			return
		}
		list, _ := value.([]any)
		if rows[path] == "" && len(mapping)+len(list) > 0 {
			return // too long for a table
		}
		if want, err := json.Marshal(value); err != nil || rows[path] != string(want) {
			t.Errorf("%s: the default in the table is %q, want `%s` (%v)", path, rows[path], want, err)
		}
	}
	walk("", defaults)
	for path := range rows {
		if !slices.Contains(known, path) {
			t.Errorf("the table has %s, which is no value", path)
		}
	}
}
