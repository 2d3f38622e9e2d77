package check

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"
)

// maxText bounds, in characters, what is shown of text that a server sent.
const maxText = 200

// printable returns text without anything that could move the cursor, colour the
// screen or reorder the line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// shortened returns the beginning of long text.
func shortened(s string) string {
	if runes := []rune(s); len(runes) > maxText {
		return string(runes[:maxText]) + "..."
	}
	return s
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// few lists the first few words, and how many more there are.
func few(words []string) string {
	const most = 5
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
}

// aligned returns the rows with aligned columns.
func aligned(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // A strings.Builder accepts everything.
	var trimmed strings.Builder
	for line := range strings.Lines(b.String()) {
		trimmed.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return trimmed.String()
}
