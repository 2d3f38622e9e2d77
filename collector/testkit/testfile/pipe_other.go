//go:build !unix

package testfile

import "testing"

// Pipe skips the test: there are no named pipes here.
func Pipe(tb testing.TB, _ string) {
	tb.Helper()
	tb.Skip("there are no named pipes here")
}
