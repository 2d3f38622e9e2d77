// Package readme_test checks the Markdown files: link targets exist, configurations are
// loaded by their programs, and commands are run (.ci/readme).
//
// A code block is fenced and has a language. The rules for running blocks need no markup
// in the pages:
//   - sh blocks are run in order; a text block right after one is its output;
//   - a yaml or ini block whose introduction ends with a file's name in
//     backquotes is that file for the commands after it;
//   - the keys of a yaml block determine its program.
package readme_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/testfile"
)

// root is the root directory of the project.
const root = "../.."

// page is a Markdown file.
type page struct {
	path   string // relative to the root
	prose  []string
	blocks []block
}

// block is a fenced block of a page.
type block struct {
	page     string
	line     int // of the opening fence, from 1
	language string
	text     string
	intro    string // the last line of prose before it
	between  int    // number of lines of prose since the previous block
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// pages returns the Markdown files below a directory, except those of third-party
// programs.
func pages(t *testing.T, dir string) []page {
	t.Helper()
	var pages []page
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", ".bin", "dist", "licenses", "node_modules"}, name):
			return filepath.SkipDir
		case entry.Type().IsRegular() && filepath.Ext(name) == ".md":
			relative, err := filepath.Rel(dir, path)
			pages = append(pages, parse(filepath.ToSlash(relative), testfile.Read(t, path)))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 2 || !slices.ContainsFunc(pages, func(p page) bool { return p.path == "README.md" }) {
		t.Fatalf("%d pages in %s, or no README.md", len(pages), dir)
	}
	return pages
}

// parse parses a page. In its prose, lines of blocks are empty.
func parse(path, text string) page {
	p := page{path: path}
	fence := regexp.MustCompile("^( *)(```+|~~~+) *([^ `]*)$")
	var open []string // match of fence; nil outside blocks
	var body []string
	current := block{page: path}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		found := fence.FindStringSubmatch(line)
		switch {
		case open == nil && found != nil:
			open, body = found, nil
			current.line, current.language = i+1, found[3]
		case open == nil:
			if strings.TrimSpace(line) != "" {
				current.intro = line
				current.between++
			}
			p.prose = append(p.prose, line)
			continue
		case found != nil && found[3] == "" && strings.HasPrefix(found[2], open[2]):
			current.text = strings.Join(append(body, ""), "\n")
			p.blocks = append(p.blocks, current)
			open, current = nil, block{page: path}
		default:
			body = append(body, strings.TrimPrefix(line, open[1]))
		}
		p.prose = append(p.prose, "")
	}
	if open != nil {
		current.language = "that never ends"
		p.blocks = append(p.blocks, current)
	}
	return p
}

// file returns the name of the file that a block is, or "".
func (b block) file() string {
	if b.language != "yaml" && b.language != "ini" {
		return ""
	}
	names := regexp.MustCompile("`([\\w./-]+\\.(?:ya?ml|conf|ini))`").FindAllStringSubmatch(b.intro, -1)
	if b.between == 0 || len(names) == 0 {
		return ""
	}
	return names[len(names)-1][1]
}

func TestFences(t *testing.T) {
	languages := []string{"ini", "json", "mermaid", "promql", "sh", "text", "yaml"}
	indented := regexp.MustCompile(`^(    |\t)\s*\S`)
	item := regexp.MustCompile(`^ *([*-]|\d+\.) `)
	for _, p := range pages(t, root) {
		for _, b := range p.blocks {
			if !slices.Contains(languages, b.language) {
				t.Errorf("%s: a block %s: write one of %q after the fence", b, b.language, languages)
			}
		}
		list, blank := false, true
		for i, line := range p.prose {
			switch {
			case strings.TrimSpace(line) == "":
				blank = true
				continue
			case item.MatchString(line):
				list = true
			case blank && !strings.HasPrefix(line, " "):
				list = false
			case blank && !list && indented.MatchString(line):
				t.Errorf("%s:%d: an indented block: fence it and name its language", p.path, i+1)
			}
			blank = false
		}
	}
}

func TestLength(t *testing.T) {
	limits := map[string]int{"README.md": 200, "CONTRIBUTING.md": 50, "config/README.md": 180}
	for _, p := range pages(t, root) {
		limit := limits[p.path]
		if limit == 0 && filepath.Base(p.path) == "README.md" {
			limit = 150
		}
		if lines := len(p.prose); limit > 0 && lines > limit {
			t.Errorf("%s has %d lines, more than %d", p.path, lines, limit)
		}
	}
}

// The parser of the pages works.
func TestParse(t *testing.T) {
	text := "# A `b` [c](d.md)\n\n1. Write `a/b.yml`:\n\n   ```yaml\n   x:\n     - y\n   ```\n\nand\n\n```sh\nrun it\n```\n\n```text\n```\n\nEnd.\n```sh\nx\n"
	p := parse("x.md", text)
	want := []block{
		{page: "x.md", line: 5, language: "yaml", text: "x:\n  - y\n", intro: "1. Write `a/b.yml`:", between: 2},
		{page: "x.md", line: 12, language: "sh", text: "run it\n", intro: "and", between: 1},
		{page: "x.md", line: 16, language: "text", text: ""},
		{page: "x.md", line: 20, language: "that never ends", intro: "End.", between: 1},
	}
	if !slices.Equal(p.blocks, want) {
		t.Errorf("blocks %+v", p.blocks)
	}
	if got := p.blocks[0].file() + p.blocks[1].file(); got != "a/b.yml" {
		t.Errorf("files %q", got)
	}
	if len(p.prose) != 21 || p.prose[4] != "" || p.prose[18] != "End." {
		t.Errorf("prose %q", p.prose)
	}
}
