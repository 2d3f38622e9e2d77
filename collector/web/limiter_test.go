package web

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector"
)

// A request waits for a slot until its patience or its client ends, if the queue has room.
func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1, "")
		l.queue, l.patience = make(chan struct{}, 1), 5*time.Second
		if !l.enter(t.Context()) {
			t.Fatal("no slot")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, tt := range []struct {
			name    string
			ctx     context.Context
			leave   time.Duration // when the slot is released; 0 for never
			entered bool
			took    time.Duration
		}{
			{"the client is gone", ctx, 0, false, time.Second},
			{"its patience ends", t.Context(), 0, false, 5 * time.Second},
			{"a slot becomes free", t.Context(), 2 * time.Second, true, 2 * time.Second},
		} {
			begun := time.Now()
			if tt.leave > 0 {
				time.AfterFunc(tt.leave, l.leave)
			}
			time.AfterFunc(time.Second/2, func() {
				if l.enter(t.Context()) {
					t.Errorf("%s: another request enters a full queue", tt.name)
				}
			})
			if got := l.enter(tt.ctx); got != tt.entered || time.Since(begun) != tt.took {
				t.Errorf("%s: entered %t after %s", tt.name, got, time.Since(begun))
			}
		}
	})
}

// What /sd serves is made once for each configuration.
func TestDiscoveryIsKept(t *testing.T) {
	e := collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	defer e.Close()
	var c discoveries
	first := c.of(e.Targets())
	if c.of(e.Targets()) != first {
		t.Error("made again")
	}
}
