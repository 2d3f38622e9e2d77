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
	for _, v := range collectValues(t, "", document.Content[0]) {
		table += strings.ReplaceAll(fmt.Sprintf("| `%s` | %s | %s |\n", v.path, v.standard, v.description), "  ", " ")
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

// value is a row of the table.
type value struct{ path, standard, description string }

// collectValues returns the values of a mapping, in order. A mapping is a single value
// if nothing in it has a comment.
func collectValues(t *testing.T, path string, mapping *yaml.Node) []value {
	t.Helper()
	var values []value
	for i := 0; i < len(mapping.Content); i += 2 {
		key, node := mapping.Content[i], mapping.Content[i+1]
		v := value{path: strings.TrimPrefix(path+"."+key.Value, "."), description: describe(key.HeadComment)}
		if node.Kind == yaml.MappingNode && commented(node) {
			if v.description != "" {
				values = append(values, v)
			}
			values = append(values, collectValues(t, v.path, node)...)
			continue
		}
		var standard any
		if err := node.Decode(&standard); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(standard)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) <= 60 { // long ones are in values.yaml
			v.standard = "`" + string(text) + "`"
		}
		values = append(values, v)
	}
	return values
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
