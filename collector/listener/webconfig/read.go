package webconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// maxSize is more than any configuration or chain of certificates needs.
const maxSize = 1 << 20

// readFile reads a whole regular file. Its error does not name the file.
func readFile(path string) ([]byte, error) {
	// Opening a named pipe would otherwise wait for somebody who writes to it.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // a flag or the web configuration names it
	if err != nil {
		return nil, explain(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, explain(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file: name a file")
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, explain(err)
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("is larger than %d KiB: name the right file", maxSize>>10)
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil // Windows editors put a BOM there
}

// explain drops the path that errors of package os carry and adds what to do.
func explain(err error) error {
	if withPath, ok := errors.AsType[*fs.PathError](err); ok {
		err = withPath.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: create it or correct the path", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: let the exporter's user read it", err)
	}
	return fmt.Errorf("cannot be read: %w", err)
}
