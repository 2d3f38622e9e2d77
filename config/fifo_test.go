//go:build unix

package config

import (
	"path/filepath"
	"syscall"
	"testing"
)

// The pipe has no writer, so opening it would block forever.
func TestAPIKeyFileIsNamedPipe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Skip(err)
	}
	wantKeyError(t, file, "is not a regular file: use the path of a file")
	if _, err := Load(file); err == nil || err.Error() != file+": is not a regular file: use the path of a file" {
		t.Errorf("got %v", err)
	}
}
