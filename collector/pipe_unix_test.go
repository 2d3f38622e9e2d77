//go:build unix

package collector_test

import (
	"os"
	"syscall"
	"testing"
)

// pipe puts a named pipe in place of a file.
func pipe(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
}
