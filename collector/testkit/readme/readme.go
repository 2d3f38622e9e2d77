// Package readme reads tables of Markdown files, for tests that compare them with the
// code.
package readme

import (
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/testfile"
)

// Table returns the rows of all tables of a Markdown file whose first column has this
// title, split into cells and without the header row. The test fails if there is none.
func Table(tb testing.TB, file, title string) [][]string {
	tb.Helper()
	var rows [][]string
	found, inside := false, false
	for line := range strings.Lines(testfile.Read(tb, file)) {
		cells := cells(line)
		switch {
		case cells == nil:
			inside = false
		case inside && !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, cells)
		case cells[0] == title:
			found, inside = true, true
		}
	}
	if !found {
		tb.Fatalf("%s has no table whose first column is %q", file, title)
	}
	return rows
}

// cells returns the cells of a table row, or nil for any other line.
func cells(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") {
		return nil
	}
	const bar = "\x00" // stands for \|, a bar in a cell
	line = strings.ReplaceAll(line, `\|`, bar)
	all := strings.Split(strings.Trim(line, "|"), "|")
	for i := range all {
		all[i] = strings.ReplaceAll(strings.TrimSpace(all[i]), bar, "|")
	}
	return all
}

// First returns the first cell of each row. The test fails if one is repeated.
func First(tb testing.TB, rows [][]string) []string {
	tb.Helper()
	var first []string
	for _, row := range rows {
		if slices.Contains(first, row[0]) {
			tb.Errorf("%s appears twice", row[0])
		}
		first = append(first, row[0])
	}
	return first
}
