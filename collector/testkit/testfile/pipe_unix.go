//go:build unix

package testfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// Pipe creates a named pipe, replacing any existing file. Opening it for reading blocks,
// because it has no writer. Where there are no named pipes, Pipe skips the test.
func Pipe(tb testing.TB, file string) {
	tb.Helper()
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		tb.Fatal(err)
	}
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		tb.Fatal(err)
	}
}
