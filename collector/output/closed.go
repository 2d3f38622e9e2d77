package output

import (
	"errors"
	"io"
	"syscall"
)

// IgnoreClosed returns a writer to w that silently drops writes to a pipe whose
// reader is gone.
func IgnoreClosed(w io.Writer) io.Writer { return ignoreClosed{w} }

type ignoreClosed struct{ w io.Writer }

// Write implements io.Writer.
func (i ignoreClosed) Write(p []byte) (int, error) {
	n, err := i.w.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return len(p), nil
	}
	return n, err
}
