// Package testfile reads and writes files in tests. Errors end the test.
package testfile

import (
	"os"
	"path/filepath"
	"testing"
)

// Write writes a file that only its owner can read, as recommended for the exporter's
// files.
func Write(tb testing.TB, file, text string) {
	tb.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// New writes a file in a new directory, which is removed with the test, and returns its
// path.
func New(tb testing.TB, name, text string) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), name)
	Write(tb, file, text)
	return file
}

// Read returns the content of a file.
func Read(tb testing.TB, file string) string {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
