// Package wait waits for events in tests, even on very slow machines.
package wait

import (
	"testing"
	"time"
)

// hang is far longer than any event takes.
const hang = 2 * time.Minute

// For waits until happened returns true. It ends the test after two minutes.
func For(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(hang); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("did not happen: %s", what)
		}
	}
}

// Growing calls try, which must succeed within a time limit. While try fails, it is
// called again with twice the limit, since the machine may be slow, up to 16 times the
// first limit.
func Growing(tb testing.TB, first time.Duration, try func(limit time.Duration) error) {
	tb.Helper()
	for limit := first; ; limit *= 2 {
		err := try(limit)
		if err == nil {
			return
		}
		if limit >= 16*first || tb.Failed() {
			tb.Errorf("with %s: %v", limit, err)
			return
		}
		tb.Logf("with %s: %v", limit, err)
	}
}
