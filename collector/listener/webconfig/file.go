// Package webconfig serves TLS and HTTP basic authentication as configured by an
// exporter-toolkit web configuration file. As in exporter-toolkit, the file is read
// again for every handshake and request.
//
// Unlike exporter-toolkit, it does not wait for a file system that does not respond,
// and it logs each problem once instead of for every request.
package webconfig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	// startPatience is how long the first read may take.
	startPatience = 10 * time.Second
	// patience is how long a handshake or request waits for a read. Once a read has
	// taken longer, no further ones wait for it.
	patience = time.Second
)

var errStuck = errors.New("reading it timed out: check that its file system responds")

// File is a web configuration file. It is safe for concurrent use.
type File struct {
	path   string
	load   func(path string, before *contents) *contents
	logger *slog.Logger
	secure bool // TLS is served

	mu      sync.Mutex
	reading chan struct{} // closed when the current read ends; nil if there is none
	stuck   bool          // the current read has taken longer than patience
	last    *contents     // result of the last read
	told    string        // the problem logged last; "" if there is none now

	passwords passwords
}

// Open reads a web configuration file, for at most 10 s. Its error has one line for
// each problem, each with the file name. For the path "", it returns a nil File, which
// serves plain HTTP without authentication.
func Open(ctx context.Context, path string, logger *slog.Logger) (*File, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // a nil File can be used
	}
	return open(ctx, &File{path: path, load: read, logger: logger})
}

func open(ctx context.Context, f *File) (*File, error) {
	f.last = &contents{settings: &settings{err: errStuck}}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	select {
	case <-f.read():
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := errors.Join(f.last.err, f.last.tlsErr); err != nil {
		var problems []error
		for line := range strings.Lines(err.Error()) {
			problems = append(problems, fmt.Errorf("--web.config.file=%q: %s", f.path, strings.TrimSpace(line)))
		}
		return nil, errors.Join(problems...)
	}
	f.secure = f.last.tls != nil
	return f, nil
}

// read starts a read unless one is in progress, and returns a channel that is closed
// when it ends.
func (f *File) read() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reading != nil {
		return f.reading
	}
	done, before := make(chan struct{}), f.last
	f.reading = done
	go func() {
		now := f.load(f.path, before)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.last, f.reading, f.stuck = now, nil, false
		close(done)
	}()
	return done
}

// current returns the current contents of the file, or the last ones if it cannot be
// read in time.
func (f *File) current() *contents {
	done := f.read()
	f.mu.Lock()
	stuck := f.stuck
	f.mu.Unlock()
	if !stuck {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-done:
		case <-timer.C:
			stuck = true
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stuck = stuck && f.reading == done
	f.tell()
	return f.last
}

// tell logs the current problem, once. The caller holds the mutex.
func (f *File) tell() {
	c := f.last
	problem, effect := "", ""
	switch {
	case f.stuck:
		problem, effect = errStuck.Error(), "its last contents stay in use"
	case c.err != nil && f.secure:
		problem, effect = c.err.Error(), "TLS handshakes and requests fail"
	case c.err != nil:
		problem, effect = c.err.Error(), "requests fail"
	case f.secure && c.tlsErr != nil:
		problem, effect = c.tlsErr.Error(), "TLS handshakes fail"
	case f.secure && c.tls == nil:
		problem, effect = errPlain.Error(), "TLS handshakes fail"
	case !f.secure && c.web.TLSConfig.IsEnabled():
		problem, effect = "tls_server_config was added: restart the exporter", "plain HTTP is served"
	}
	switch problem {
	case f.told:
	case "":
		f.logger.Info("The web configuration can be used again", "file", f.path)
	default:
		f.logger.Warn("The web configuration cannot be used", "file", f.path, "err", problem, "effect", effect)
	}
	f.told = problem
}
