package collector

import (
	"log/slog"
	"sync"
)

// source reads something out of files that may change at any time, and keeps the
// last value that was read well for as long as they cannot be read.
type source[T any] struct {
	read   func() (T, error)
	logger *slog.Logger // says which Ops Manager or organization it is

	mu      sync.Mutex
	last    T
	good    bool
	problem string // what was last logged, "" if all is well
}

// current reads the files. It returns an error only if they cannot be read and
// never could.
func (s *source[T]) current() (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, err := s.read()
	if err == nil {
		s.last, s.good = value, true
		if s.problem != "" {
			s.problem = ""
			s.logger.Info("Files can be read again")
		}
		return value, nil
	}
	if s.good {
		if s.problem != err.Error() { // once, not at every scrape
			s.problem = err.Error()
			s.logger.Warn("Files cannot be read, what they last held stays in use", "err", err)
		}
		return s.last, nil
	}
	return value, err
}
