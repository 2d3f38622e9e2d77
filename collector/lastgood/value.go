// Package lastgood reads values from files that may change, disappear or become
// unresponsive at any time, and keeps the last good value.
package lastgood

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Value reads a value from files, and keeps the last good one while they cannot be read.
// It is safe for concurrent use.
type Value[T any] struct {
	read   func() (T, error)
	reads  *Reads
	logger *slog.Logger

	mu      sync.Mutex
	stuck   int // reads in progress that have timed out
	begun   int // reads so far
	newest  int // number of the read that returned last
	last    T
	good    bool   // last is set
	problem string // last error logged, "" if the files can be read
}

var errStuck = errors.New("reading the files timed out: check that their file system responds")

// New returns a Value that calls read, limited by reads. logger should have attributes
// that identify the value.
func New[T any](read func() (T, error), reads *Reads, logger *slog.Logger) *Value[T] {
	return &Value[T]{read: read, reads: reads, logger: logger}
}

// Get reads the files and returns the value. It waits at most patience, because a dead
// network file system never responds. If the files cannot be read, it returns the last
// good value, or an error if there is none. While a read is stuck, Get starts no other.
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
		v.reads.release() // before Get returns the result
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

// Last returns the last good value, or the zero value if there is none. It does not read
// the files.
func (v *Value[T]) Last() T {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// keep stores a good value unless a newer read has stored one.
func (v *Value[T]) keep(number int, value T) {
	if number > v.newest {
		v.newest, v.last, v.good = number, value, true
	}
	if v.problem != "" {
		v.problem = ""
		v.logger.Info("Configured files can be read again")
	}
}

// fallBack returns the last good value, or err if there is none.
func (v *Value[T]) fallBack(err error) (T, error) {
	if !v.good {
		return v.last, err
	}
	if v.problem != err.Error() { // log once, not in every scrape
		v.problem = err.Error()
		v.logger.Warn("Configured files cannot be read; their last good contents stay in use", "err", err)
	}
	return v.last, nil
}
