package collector

import (
	"errors"
	"log/slog"
	"testing"
	"time"
)

// A read that does not end does not hold anybody back, and there is no second
// one beside it.
func TestStuckSource(t *testing.T) {
	reads := make(chan func() (string, error))
	s := &source[string]{
		read:     func() (string, error) { return (<-reads)() },
		patience: 20 * time.Millisecond,
		logger:   slog.New(slog.DiscardHandler),
	}
	if _, err := s.current(); !errors.Is(err, errStuck) {
		t.Errorf("first read stuck: %v", err)
	}
	if _, err := s.current(); !errors.Is(err, errStuck) {
		t.Errorf("while it is stuck: %v", err)
	}
	reads <- func() (string, error) { return "late", nil } // the one read that waits
	answer := func(value string, err error) (string, error) {
		s.patience = time.Minute
		go func() { reads <- func() (string, error) { return value, err } }()
		for {
			if got, err := s.current(); !errors.Is(err, errStuck) {
				return got, err
			}
		}
	}
	if got, err := answer("good", nil); got != "good" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := answer("", errors.New("gone")); got != "good" || err != nil {
		t.Errorf("unreadable: got %q, %v, want the last good value", got, err)
	}
	s.patience = 20 * time.Millisecond
	if got, err := s.current(); got != "good" || err != nil {
		t.Errorf("stuck again: got %q, %v, want the last good value", got, err)
	}
	reads <- func() (string, error) { return "", nil }
}
