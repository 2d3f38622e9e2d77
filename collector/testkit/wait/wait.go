// Package wait has tests wait for what happens, however slow the machine is.
package wait

import (
	"testing"
	"time"
)

// hang is far above what anything takes that does happen.
const hang = 2 * time.Minute

// For waits until something has happened. It ends the test if that hangs.
func For(tb testing.TB, what string, happened func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(hang); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("did not happen: %s", what)
		}
	}
}

// Growing tries something that has to be done within a time limit. As long as it
// fails it is tried again with twice the time, since the machine may be a slow
// one, up to 16 times the first limit.
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
