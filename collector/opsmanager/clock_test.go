package opsmanager_test

import (
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/clock"
)

// The client's clock jumps forwards and back, by seconds and by years, while the server's
// does not. Each poll succeeds, with at most two requests where the nonce appears to be
// expired.
func TestClockThatJumps(t *testing.T) {
	server, ours := clock.New(), clock.New()
	s := simulate(t, simulator.Options{Now: server.Now}, simulator.Org{})
	r := newRig(t, s.URL(), func(o *opsmanager.Options) { o.Sessions = opsmanager.NewSessionsAt(ours.Now) })
	const year = 365 * 24 * time.Hour
	for _, jump := range []time.Duration{0, 44 * time.Second, -44 * time.Second, time.Hour, -time.Hour, 50 * year, -100 * year, 50 * year, -1, 1} {
		ours.Advance(jump)
		for _, pause := range []time.Duration{0, 20 * time.Second, 70 * time.Second} {
			server.Advance(pause)
			ours.Advance(pause)
			s.ResetCounts()
			r.synced(t)
			if c := s.Counts(); c.Requests > 2 {
				t.Errorf("jump %s: %d requests", jump, c.Requests)
			}
			r.many(t, 8)
		}
	}
}
