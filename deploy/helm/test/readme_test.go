package chart_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "write the table of values in the chart's README anew")

// The table of values in the chart's README is made from values.yaml.
func TestREADME(t *testing.T) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chart, "values.yaml"))), &document); err != nil {
		t.Fatal(err)
	}
	table := "| value | default | |\n|---|---|---|\n"
	for _, row := range rows(t, "", document.Content[0]) {
		table += strings.ReplaceAll(fmt.Sprintf("| %s | %s | %s |\n", row.values, row.standard, row.description), "|  |", "| |")
	}
	file := filepath.Join(chart, "README.md")
	text := read(t, file)
	before, rest, found := strings.Cut(text, "## Values\n\n")
	_, after, found2 := strings.Cut(rest, "\n\n## ")
	if !found || !found2 {
		t.Fatal("the README has no chapter Values, or it is the last one")
	}
	want := before + "## Values\n\n" + table + "\n## " + after
	if text == want {
		return
	}
	if !*update {
		t.Fatal("the table is not that of values.yaml: go test -run TestREADME -update")
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// row is a row of the table: values in backquotes, and their default.
type row struct{ values, standard, description string }

// rows returns the rows for a mapping. A mapping in which nothing has a comment is a
// value. A value without a comment shares the row of the one before it if their defaults
// are the same.
func rows(t *testing.T, path string, mapping *yaml.Node) []row {
	t.Helper()
	var all []row
	for i := 0; i < len(mapping.Content); i += 2 {
		key, node := mapping.Content[i], mapping.Content[i+1]
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		if node.Kind == yaml.MappingNode && commented(node) {
			all = append(all, rows(t, name, node)...)
			continue
		}
		r := row{values: "`" + name + "`", standard: standard(t, node), description: describe(key.HeadComment)}
		if last := len(all) - 1; last >= 0 && r.description == "" && r.standard != "" && all[last].standard == r.standard {
			all[last].values += ", " + r.values
			continue
		}
		all = append(all, r)
	}
	return all
}

// standard returns a default for the table, or "" if it is long.
func standard(t *testing.T, node *yaml.Node) string {
	t.Helper()
	var value any
	if err := node.Decode(&value); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 60 {
		return ""
	}
	return "`" + string(text) + "`"
}

func commented(node *yaml.Node) bool {
	for _, n := range node.Content {
		if n.HeadComment != "" || commented(n) {
			return true
		}
	}
	return false
}

// named finds the files that comments name.
var named = regexp.MustCompile(`[\w./-]+\.(?:md|yml|json)\b`)

// describe returns the last paragraph of a comment without its examples, which are
// indented. Names of the project's files become links.
func describe(comment string) string {
	var words []string
	paragraphs := strings.Split(comment, "\n\n")
	for line := range strings.Lines(paragraphs[len(paragraphs)-1]) {
		if line = strings.TrimPrefix(strings.TrimSpace(line), "# "); line != "" && line[0] != ' ' {
			words = append(words, line)
		}
	}
	return named.ReplaceAllStringFunc(strings.Join(words, " "), func(file string) string {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			return file
		}
		return fmt.Sprintf("[%s](../../../%s)", file, file)
	})
}

// The parts of a comment become the description.
func TestDescribe(t *testing.T) {
	const comment = "# About the file.\n\n# One line,\n# another: see config/README.md.\n#   - name: example"
	if got, want := describe(comment), "One line, another: see [config/README.md](../../../config/README.md)."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
