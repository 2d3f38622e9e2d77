package collector

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// source reads something out of files that may change at any time, and keeps the
// last value that was read well for as long as they cannot be read.
type source[T any] struct {
	read     func() (T, error)
	patience time.Duration // how long a read may take: a dead network file system answers never
	logger   *slog.Logger  // says which Ops Manager or organization it is

	mu      sync.Mutex
	stuck   int // reads that have outlasted patience
	begun   int // reads so far
	newest  int // the read that last comes from
	last    T
	good    bool
	problem string // what was last logged, "" if all is well
}

var errStuck = errors.New("reading the files takes too long: see whether their file system answers")

// current reads the files. It returns an error only if they cannot be read and
// never could. While a read is stuck there is no other.
func (s *source[T]) current() (T, error) {
	s.mu.Lock()
	if s.stuck > 0 {
		defer s.mu.Unlock()
		return s.fallBack(errStuck)
	}
	s.begun++
	number := s.begun
	s.mu.Unlock()

	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := s.read()
		done <- outcome{value, err}
	}()
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	select {
	case o := <-done:
		s.mu.Lock()
		defer s.mu.Unlock()
		if o.err != nil {
			return s.fallBack(o.err)
		}
		s.keep(number, o.value)
		return o.value, nil
	case <-patience.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stuck++
	go func() {
		<-done
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stuck--
	}()
	return s.fallBack(errStuck)
}

// keep remembers a value that was read well.
func (s *source[T]) keep(number int, value T) {
	if number > s.newest {
		s.newest, s.last, s.good = number, value, true
	}
	if s.problem != "" {
		s.problem = ""
		s.logger.Info("Files can be read again")
	}
}

// fallBack returns what was last read well, or err if nothing ever was.
func (s *source[T]) fallBack(err error) (T, error) {
	if !s.good {
		return s.last, err
	}
	if s.problem != err.Error() { // once, not at every scrape
		s.problem = err.Error()
		s.logger.Warn("Files cannot be read, what they last held stays in use", "err", err)
	}
	return s.last, nil
}
