// Package ci tells tests how much they are to do. Where CI is neither true nor
// full they take little time, and skip what needs a program that is not installed.
package ci

import (
	"os"
	"testing"
)

// Running reports whether this is CI, where no test is skipped.
func Running() bool { return os.Getenv("CI") == "true" || full() }

// full reports whether this is .ci/full, which may take hours.
func full() bool { return os.Getenv("CI") == "full" }

// Amount returns how much a test does: usually, where CI=true and where CI=full.
func Amount[T any](usual, inCI, inFull T) T {
	switch {
	case full():
		return inFull
	case Running():
		return inCI
	}
	return usual
}

// Missing skips a test that lacks something, and fails it in CI.
func Missing(tb testing.TB, what string) {
	tb.Helper()
	if Running() {
		tb.Fatalf("%s is not installed; .ci/run shows how", what)
	}
	tb.Skipf("%s is not installed; .ci/run shows how", what)
}

// Long skips a test that takes seconds where only the short ones are to run.
func Long(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("takes seconds")
	}
}
