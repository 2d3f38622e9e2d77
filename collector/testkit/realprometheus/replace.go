package realprometheus

import (
	"strings"
	"testing"
)

// Replace replaces old, which must occur in text, so that a test does not continue with
// an unchanged file.
func Replace(tb testing.TB, text, old, replacement string) string {
	tb.Helper()
	if !strings.Contains(text, old) {
		tb.Fatalf("there is no %q to replace in:\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, replacement)
}
