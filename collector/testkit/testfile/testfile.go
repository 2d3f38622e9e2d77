// Package testfile reads and writes files in tests. What cannot be done ends the
// test.
package testfile

import (
	"os"
	"path/filepath"
	"testing"
)

// Write writes a file that its owner alone can read, as the exporter wants its
// own files to be.
func Write(tb testing.TB, file, text string) {
	tb.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// New writes a file in a folder of its own, which is removed with the test, and
// returns its path.
func New(tb testing.TB, name, text string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), name)
	Write(tb, file, text)
	return file
}

// Read returns what a file holds.
func Read(tb testing.TB, file string) string {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
