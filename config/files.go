package config

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// maxReads limits concurrent reads. A read blocks an operating system thread
	// until its file system responds.
	maxReads = 32
	// stuckAfter is how long a read may take before it counts as stuck.
	stuckAfter = time.Second
	// readLimit is how long a caller waits for a read.
	readLimit = 10 * time.Second
)

var (
	errStuck    = errors.New("cannot be read: an earlier read of it has not returned; check that its file system responds")
	errAllStuck = errors.New("cannot be read: too many file reads are stuck: check that the file systems respond")
)

// Files reads configuration files and the files that they name. It gives up on a
// read after ten seconds and limits the number of reads in progress, including those
// given up. It fails at once if all of these, or an earlier read of the same file,
// have been in progress for over a second. A program that reloads its configuration
// must therefore use one Files throughout. Files is safe for concurrent use; its zero
// value is not usable.
type Files struct {
	limit      time.Duration
	stuckAfter time.Duration
	slots      chan struct{} // holds one element for each read in progress

	mu    sync.Mutex
	reads map[*read]bool // in progress
}

// read is a read in progress of one or more files.
type read struct {
	sources []source
	begun   time.Time
}

// NewFiles returns a new Files. It starts no goroutine.
func NewFiles() *Files {
	return &Files{limit: readLimit, stuckAfter: stuckAfter, slots: make(chan struct{}, maxReads), reads: map[*read]bool{}}
}

// ReadKey is [Credentials.Read] within the limits of f.
func (f *Files) ReadKey(c *Credentials) (KeyPair, error) { return within(f, c.sources(), c.Read) }

// ReadTLS is [TLS.Read] within the limits of f.
func (f *Files) ReadTLS(t TLS) (*TLSMaterial, error) { return within(f, t.sources(), t.Read) }

// begin waits for a slot and holds it until end is called. It fails as soon as
// waiting is pointless.
func (f *Files) begin(sources []source) (end func(), err error) {
	for {
		if err := f.stuck(sources); err != nil {
			return nil, err
		}
		select {
		case f.slots <- struct{}{}:
			r := &read{sources: sources, begun: time.Now()}
			f.mu.Lock()
			f.reads[r] = true
			f.mu.Unlock()
			return func() {
				f.mu.Lock()
				delete(f.reads, r)
				f.mu.Unlock()
				<-f.slots
			}, nil
		case <-time.After(f.stuckAfter): // Check again: by now all reads may be stuck.
		}
	}
}

// stuck returns an error if a read of one of the sources, or every read, is stuck.
func (f *Files) stuck(sources []source) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	stuck := 0
	for r := range f.reads {
		if time.Since(r.begun) < f.stuckAfter {
			continue
		}
		stuck++
		for _, s := range sources {
			if slices.ContainsFunc(r.sources, func(o source) bool { return o.path == s.path }) {
				return s.wrap(errStuck)
			}
		}
	}
	if stuck == cap(f.slots) {
		return sources[0].wrap(errAllStuck)
	}
	return nil
}

// within calls do, which reads the sources, and waits for it within the limits of f.
// It discards a later result, and do holds its slot until it returns.
func within[T any](f *Files, sources []source, do func() (T, error)) (T, error) {
	if len(sources) == 0 {
		return do() // reads no file
	}
	var none T
	end, err := f.begin(sources)
	if err != nil {
		return none, err
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := do()
		end() // before the caller gets the result
		done <- outcome{value, err}
	}()
	timer := time.NewTimer(f.limit)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.value, o.err
	case <-timer.C:
		return none, sources[0].wrap(fmt.Errorf("cannot be read: no response within %s; check that its file system responds", f.limit))
	}
}
