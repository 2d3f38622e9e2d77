//go:build unix

package testfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// Pipe makes a named pipe, in place of a file if there is one. Nobody writes to
// it: who opens it to read waits. It skips the test where there are no named
// pipes.
func Pipe(tb testing.TB, file string) {
	tb.Helper()
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		tb.Fatal(err)
	}
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		tb.Fatal(err)
	}
}
