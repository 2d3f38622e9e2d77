// Package ci controls how much tests do. Unless CI is true or full, tests are short, and
// those that need a program that is not installed are skipped.
package ci

import (
	"os"
	"testing"
)

// Running reports whether the tests run in CI, where none may be skipped.
func Running() bool { return os.Getenv("CI") == "true" || full() }

// full reports whether the tests are run by .ci/full, which may take hours.
func full() bool { return os.Getenv("CI") == "full" }

// Amount returns the amount of work for a test: usual, or inCI with CI=true, or inFull
// with CI=full.
func Amount[T any](usual, inCI, inFull T) T {
	switch {
	case full():
		return inFull
	case Running():
		return inCI
	}
	return usual
}

// Missing skips a test because something is missing; in CI it fails the test.
func Missing(tb testing.TB, what string) {
	tb.Helper()
	if Running() {
		tb.Fatalf("%s is not installed; .ci/run shows how", what)
	}
	tb.Skipf("%s is not installed; .ci/run shows how", what)
}

// Long skips a test that takes seconds if the tests run with -short.
func Long(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("takes seconds")
	}
}
