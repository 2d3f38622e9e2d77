// Package lastgood reads values out of files that may change, vanish or stop
// answering at any time, and keeps the last good one.
package lastgood

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Value reads something out of files, and keeps the last value that was read
// well for as long as they cannot be read. It may be used concurrently.
type Value[T any] struct {
	read   func() (T, error)
	reads  *Reads
	logger *slog.Logger

	mu      sync.Mutex
	stuck   int // reads that have outlasted their time
	begun   int // reads so far
	newest  int // the read that last comes from
	last    T
	good    bool
	problem string // what was last logged, "" if all is well
}

var errStuck = errors.New("reading the files timed out: check that their file system responds")

// New returns a value that read reads, within the bounds of reads. logger says
// what the value belongs to.
func New[T any](read func() (T, error), reads *Reads, logger *slog.Logger) *Value[T] {
	return &Value[T]{read: read, reads: reads, logger: logger}
}

// Get reads the files, and waits for them no longer than patience: a network
// file system that is gone never answers. It returns an error only if they
// cannot be read and never could. While a read is stuck there is no other.
func (v *Value[T]) Get(patience time.Duration) (T, error) {
	v.mu.Lock()
	if v.stuck > 0 {
		defer v.mu.Unlock()
		return v.fallBack(errStuck)
	}
	v.begun++
	number := v.begun
	v.mu.Unlock()

	timer := time.NewTimer(patience)
	defer timer.Stop()
	if err := v.reads.acquire(timer.C); err != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.fallBack(err)
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := v.read()
		v.reads.release() // before anybody goes on with the result
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		v.mu.Lock()
		defer v.mu.Unlock()
		if o.err != nil {
			return v.fallBack(o.err)
		}
		v.keep(number, o.value)
		return o.value, nil
	case <-timer.C:
	}
	v.reads.stuckReads.Add(1)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stuck++
	go func() {
		o := <-done
		v.reads.stuckReads.Add(-1)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.stuck--
		if o.err == nil {
			v.keep(number, o.value)
		}
	}()
	return v.fallBack(errStuck)
}

// Last returns what was last read well, the zero value if nothing ever was. It
// reads nothing.
func (v *Value[T]) Last() T {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// keep remembers a value that was read well.
func (v *Value[T]) keep(number int, value T) {
	if number > v.newest {
		v.newest, v.last, v.good = number, value, true
	}
	if v.problem != "" {
		v.problem = ""
		v.logger.Info("Configured files can be read again")
	}
}

// fallBack returns what was last read well, or err if nothing ever was.
func (v *Value[T]) fallBack(err error) (T, error) {
	if !v.good {
		return v.last, err
	}
	if v.problem != err.Error() { // once, not at every scrape
		v.problem = err.Error()
		v.logger.Warn("Configured files cannot be read; their last good contents stay in use", "err", err)
	}
	return v.last, nil
}
