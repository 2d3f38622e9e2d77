package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

var (
	errNotRegular = errors.New("is not a regular file: use the path of a file")
	errChanged    = errors.New("changed while it was being read: replace related files in a single step")
)

// source is a setting that names a file.
type source struct {
	setting string // such as private_key_file; "" for the configuration file
	path    string
	limit   int64 // maximum size in bytes
}

// wrap adds the name of the file to err.
func (s source) wrap(err error) error {
	if s.setting == "" {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return fmt.Errorf("%s %q: %w", s.setting, s.path, err)
}

// read reads the file. Its errors name the file.
func (s source) read() (content, error) {
	c, err := readFile(s.path, s.limit)
	if err != nil {
		return content{}, s.wrap(err)
	}
	return c, nil
}

// content is the result of reading a file once.
type content struct {
	text []byte
	info fs.FileInfo
}

// same reports whether info describes the file as it was read: neither replaced nor
// rewritten.
func (c content) same(info fs.FileInfo) bool {
	return os.SameFile(c.info, info) && c.info.Size() == info.Size() && c.info.ModTime().Equal(info.ModTime())
}

// readTogether reads related files, such as the halves of a key, and fails if one of
// them changes in the meantime. It reads all but the last file twice, because size
// and modification time do not reveal a rewrite of equal size within a clock tick.
func readTogether(sources []source) ([][]byte, error) {
	first := make([]content, len(sources))
	for i, s := range sources {
		c, err := s.read()
		if err != nil {
			return nil, err
		}
		first[i] = c
	}
	texts := make([][]byte, len(sources))
	for i, s := range sources {
		if err := unchanged(first[i], s, i < len(sources)-1); err != nil {
			return nil, s.wrap(err)
		}
		texts[i] = first[i].text
	}
	return texts, nil
}

// unchanged returns an error if the file has changed since c was read.
func unchanged(c content, s source, reread bool) error {
	info, err := os.Stat(s.path)
	if err != nil || !c.same(info) {
		return errChanged
	}
	if !reread {
		return nil
	}
	again, err := readFile(s.path, s.limit)
	if err != nil || !bytes.Equal(c.text, again.text) || !c.same(again.info) {
		return errChanged
	}
	return nil
}

// ReadFile returns the content of a regular file of at most limit bytes, without a
// byte order mark. It does not block on a named pipe. Its errors do not name the
// file.
func ReadFile(path string, limit int64) ([]byte, error) {
	c, err := readFile(path, limit)
	return bytes.TrimPrefix(c.text, []byte("\ufeff")), err // added by Windows editors
}

// readFile reads a regular file of at most limit bytes. Its errors do not name the
// file: callers add the name.
func readFile(path string, limit int64) (content, error) {
	// Without O_NONBLOCK, opening a named pipe would block until it has a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the configuration names it
	if err != nil {
		return content{}, explain(err)
	}
	defer func() { _ = f.Close() }() // opened read-only
	before, err := f.Stat()
	if err != nil {
		return content{}, explain(err)
	}
	if !before.Mode().IsRegular() {
		return content{}, errNotRegular
	}
	text := bytes.NewBuffer(make([]byte, 0, min(before.Size(), limit)+bytes.MinRead))
	if _, err := text.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return content{}, explain(err)
	}
	if int64(text.Len()) > limit {
		return content{}, fmt.Errorf("is larger than %s: check that this is the right file", size(limit))
	}
	c := content{text: text.Bytes(), info: before}
	after, err := f.Stat()
	if err != nil {
		return content{}, explain(err)
	}
	if !c.same(after) {
		return content{}, errChanged
	}
	return c, nil
}

func size(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}

// explain removes the path from errors of package os and adds a fix.
func explain(err error) error {
	if withPath, ok := errors.AsType[*fs.PathError](err); ok {
		err = withPath.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: create it or correct the path", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: make it readable by the exporter's user", err)
	}
	return fmt.Errorf("cannot be read: %w", err)
}
