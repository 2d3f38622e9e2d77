package text

import (
	"fmt"
	"strings"
	"testing"
)

func TestFew(t *testing.T) {
	for n, want := range map[int]string{1: "0", 5: "0, 1, 2, 3, 4", 6: "0, 1, 2, 3, 4 and 1 more", 17: "0, 1, 2, 3, 4 and 12 more"} {
		var words []string
		for i := range n {
			words = append(words, fmt.Sprint(i))
		}
		if got := Few(words); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	for got, want := range map[string]string{
		Printable("a\x1b[2J\r\n\u202eb"):    "a[2Jb",
		Shortened(strings.Repeat("é", 200)): strings.Repeat("é", 200),
		Shortened(strings.Repeat("é", 201)): strings.Repeat("é", 200) + "...",
		Count(1, "organization"):            "1 organization",
		Count(2, "organization"):            "2 organizations",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
