package digest

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector/testkit/clock"
)

// Polls wait for the challenge of another poll, but not longer than hold.
func TestHold(t *testing.T) {
	const hold = 2 * time.Second
	for name, tt := range map[string]struct {
		after  time.Duration // the challenge is settled
		header http.Header   // with this response; nil for a failure
		cancel time.Duration // the follower gives up; 0 for never
		waited time.Duration
		asks   bool // the follower must request a challenge itself
	}{
		"answered":       {time.Second, refused("a"), 0, time.Second, false},
		"failed":         {time.Second, nil, 0, time.Second, true},
		"no challenge":   {time.Second, http.Header{}, 0, time.Second, true},
		"slow":           {time.Minute, refused("a"), 0, hold, true},
		"the poll's end": {time.Minute, refused("a"), time.Second, time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewSessions(time.Now).Of("https://om.example.net", testKey())
				leader := s.Begin(t.Context(), hold)
				go func() {
					defer leader.End()
					_, _ = leader.Authorize(&Route{}, http.MethodGet, target(testPath))
					time.Sleep(tt.after)
					if tt.header != nil {
						leader.Refused(target(testPath), tt.header, false)
					}
				}()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				begun := time.Now()
				follower := s.Begin(ctx, hold)
				defer follower.End()
				if waited := time.Since(begun); waited != tt.waited || follower.Asks() != tt.asks {
					t.Errorf("waited %s, asks %t; want %s, %t", waited, follower.Asks(), tt.waited, tt.asks)
				}
				time.Sleep(tt.after)
			})
		})
	}
}

// asks reports whether a poll that begins now must request a challenge.
func asks(t *testing.T, s *Session) bool {
	t.Helper()
	p := begin(t, s)
	defer p.End()
	return p.Asks()
}

func TestNonceEnds(t *testing.T) {
	now := clock.New()
	s := NewSessions(now.Now).Of("https://om.example.net", testKey())
	prime(t, s, "a")
	now.Advance(45*time.Second - 1)
	if asks(t, s) {
		t.Error("ended before its time")
	}
	now.Advance(1)
	if !asks(t, s) {
		t.Error("serves longer than its time")
	}
	prime(t, s, "b")
	for range 1000 - 1 {
		p := begin(t, s)
		if nonce, _, _ := p.ask(); nonce != "b" {
			t.Fatalf("uses %q", nonce)
		}
	}
	if !asks(t, s) {
		t.Error("serves more often than it may")
	}
	prime(t, s, "busy")
	for range 1000 - 1 { // that have not sent their requests yet
		begin(t, s)
	}
	if !asks(t, s) {
		t.Error("is promised more often than it may serve")
	}
	now.Advance(-time.Hour)
	prime(t, s, "c")
	now.Advance(-1)
	if !asks(t, s) {
		t.Error("serves before it was issued")
	}
}

// Each key and origin has its own session, which is removed when idle.
func TestSessionsAreForgotten(t *testing.T) {
	now := clock.New()
	all := NewSessions(now.Now)
	a := all.Of("https://a.example.net", testKey())
	other := testKey()
	other.Private = other.Public
	if all.Of("https://a.example.net", testKey()) != a || all.Of("https://b.example.net", testKey()) == a || all.Of("https://a.example.net", other) == a {
		t.Error("sessions are confused")
	}
	now.Advance(6 * time.Minute)
	b := all.Of("https://b.example.net", testKey())
	now.Advance(4*time.Minute + 1)
	all.Of("https://c.example.net", testKey())
	if len(all.origins) != 2 || all.Of("https://b.example.net", testKey()) != b {
		t.Errorf("%d origins are left, want the one in use and a new one", len(all.origins))
	}
	if all.Of("https://a.example.net", testKey()) == a {
		t.Error("not forgotten")
	}
}

// The number of nonces remembered by a connection is limited.
func TestRouteIsBounded(t *testing.T) {
	r := &Route{}
	n := &nonce{}
	for range 10 * maxRoutes {
		r.worked(&Session{}, n)
	}
	if len(r.last) > maxRoutes {
		t.Errorf("%d nonces", len(r.last))
	}
}
