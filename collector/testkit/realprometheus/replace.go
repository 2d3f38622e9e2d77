package realprometheus

import (
	"strings"
	"testing"
)

// Replace replaces text that must be there: a test that changes a shipped file
// must not go on with an unchanged one.
func Replace(tb testing.TB, text, old, replacement string) string {
	tb.Helper()
	if !strings.Contains(text, old) {
		tb.Fatalf("there is no %q to replace in:\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, replacement)
}
