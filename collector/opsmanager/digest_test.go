package opsmanager_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/clock"
)

// delayed makes polls overlap.
var delayed = simulator.Org{Delay: 5 * time.Millisecond}

func TestChallengesAreShared(t *testing.T) {
	s := simulate(t, simulator.Options{}, delayed)
	r := newRig(t, s.URL(), nil)
	r.synced(t)
	if codes := r.codes(); !slices.Equal(codes, []int{401, 200}) {
		t.Errorf("first poll: got %v", codes)
	}
	r.synced(t)
	r.synced(t)
	if codes := r.codes(); !slices.Equal(codes, []int{200, 200}) {
		t.Errorf("later polls: got %v", codes)
	}
}

func TestOneChallengeForManyPolls(t *testing.T) {
	s := simulate(t, simulator.Options{}, delayed)
	still(t, func(t *testing.T) {
		r := newRig(t, s.URL(), nil)
		r.many(t, 200)
		if n := len(r.codes()); n != 201 {
			t.Errorf("got %d exchanges", n)
		}
	})
	if c := s.Counts(); c.Challenges != 1 || c.Requests != 201 || c.Connections > 16 {
		t.Errorf("got %+v, want 1 challenge, 201 requests, at most 16 connections", c)
	}
}

func TestKeysOfTheirOwn(t *testing.T) {
	s := simulate(t, simulator.Options{}, delayed)
	r := newRig(t, s.URL(), nil)
	var all sync.WaitGroup
	for i := range 20 {
		public := fmt.Sprint("public", i)
		s.SetKey(public, "private")
		for range 3 {
			all.Go(func() {
				if status, err := r.read(t.Context(), keyOf(public, "private"), testOrg); status != opsmanager.Synced {
					t.Errorf("got %q, %v", status, err)
				}
			})
		}
	}
	all.Wait()
	if c := s.Counts(); c.Challenges != 20 || c.Requests != 80 {
		t.Errorf("got %+v, want 20 challenges of 80 requests", c)
	}
}

func TestSeparateSessions(t *testing.T) {
	sessions := opsmanager.NewSessions()
	shared := func(o *opsmanager.Options) { o.Sessions = sessions }
	a := simulate(t, simulator.Options{}, simulator.Org{})
	b := simulate(t, simulator.Options{}, simulator.Org{})
	toA, toB, againToA := newRig(t, a.URL(), shared), newRig(t, b.URL(), shared), newRig(t, a.URL(), shared)
	for range 3 {
		toA.synced(t)
		toB.synced(t) // same host, different port
		againToA.synced(t)
	}
	if c := a.Counts(); c.Challenges != 1 || c.Requests != 7 {
		t.Errorf("two clients of one origin: got %+v, want 1 challenge, 7 requests", c)
	}
	if c := b.Counts(); c.Challenges != 1 || c.Requests != 4 {
		t.Errorf("other port: got %+v, want 1 challenge, 4 requests", c)
	}
	a.SetKey(testPublic, "rotated")
	if status, err := toA.read(t.Context(), keyOf(testPublic, "rotated"), testOrg); status != opsmanager.Synced {
		t.Errorf("rotated key: got %q, %v", status, err)
	}
	if c := a.Counts(); c.Challenges != 2 || c.Refused != 0 || c.Requests != 9 {
		t.Errorf("rotated key: got %+v, want a challenge of its own", c)
	}
}

func TestNonceLifetime(t *testing.T) {
	now := clock.New()
	s := simulate(t, simulator.Options{Now: now.Now}, simulator.Org{})
	r := newRig(t, s.URL(), func(o *opsmanager.Options) { o.Sessions = opsmanager.NewSessionsAt(now.Now) })
	r.synced(t)
	now.Advance(45*time.Second - 1)
	r.synced(t)
	if codes := r.codes(); !slices.Equal(codes, []int{401, 200, 200}) {
		t.Errorf("before 45 s: got %v", codes)
	}
	now.Advance(1)
	r.synced(t)
	if codes := r.codes(); !slices.Equal(codes, []int{401, 200}) {
		t.Errorf("at 45 s: got %v", codes)
	}
	for range 20 { // idle sessions are removed and created again
		now.Advance(11 * time.Minute)
		r.synced(t)
	}
	if c := s.Counts(); c.Stale != 0 || c.Challenges != 22 {
		t.Errorf("got %+v, want no stale nonce", c)
	}
}

func TestNonceUses(t *testing.T) {
	s := simulate(t, simulator.Options{Nonce: simulator.Nonce{Uses: 1001}}, simulator.Org{}) // 1,000 uses
	r := newRig(t, s.URL(), nil)
	for range 1000 {
		r.synced(t)
	}
	if c := s.Counts(); c.Challenges != 1 {
		t.Errorf("got %+v after 1,000 polls, want 1 challenge", c)
	}
	r.synced(t)
	if c := s.Counts(); c.Challenges != 2 || c.Stale != 0 {
		t.Errorf("got %+v after 1,001 polls, want 2 challenges, none stale", c)
	}
	s.ResetCounts()
	for range 30 {
		r.many(t, 50)
	}
	if c := s.Counts(); c.Stale != 0 || c.Challenges > 2 {
		t.Errorf("got %+v for 1,500 polls, want none stale", c)
	}
}

func TestForgottenNonces(t *testing.T) {
	s := simulate(t, simulator.Options{}, delayed)
	r := newRig(t, s.URL(), func(o *opsmanager.Options) { o.MaxConnections = 100 })
	r.synced(t)
	for range 5 {
		s.ForgetNonces()
		s.ResetCounts()
		r.many(t, 100)
		if c := s.Counts(); c.Requests > 200 || c.Refused != 0 {
			t.Errorf("got %+v, want at most one more request for each of 100 polls", c)
		}
	}
	s.ForgetNonces()
	s.ResetCounts()
	for range 10 {
		r.synced(t)
	}
	if c := s.Counts(); c.Requests != 11 || c.Stale != 1 {
		t.Errorf("one after the other: got %+v, want 11 requests, 1 stale", c)
	}
}

func TestRestarts(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Org{})
	r := newRig(t, s.URL(), nil)
	r.many(t, 50)
	for range 5 {
		s.Restart()
		r.many(t, 50)
	}
}

func TestWrongKey(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Org{})
	r := newRig(t, s.URL(), nil)
	want := failure{opsmanager.ReasonUnauthorized, 401, "", "HTTP 401: the API key was rejected"}
	for range 3 {
		status, err := r.read(t.Context(), keyOf(testPublic, "wrong"), testOrg)
		want.check(t, status, err)
		if codes := r.codes(); !slices.Equal(codes, []int{401, 401}) {
			t.Errorf("got %v", codes)
		}
	}
	status, err := r.read(t.Context(), keyOf("unknown", testPrivate), testOrg)
	want.check(t, status, err)
	r.synced(t)
	s.RemoveKey(testPublic) // revoked
	r.codes()
	status, err = r.poll(t)
	want.check(t, status, err)
	if codes := r.codes(); !slices.Equal(codes, []int{401, 401}) {
		t.Errorf("revoked: got %v", codes)
	}
}

func TestMissingRoleCostsNoRetry(t *testing.T) {
	for _, challenge := range []bool{false, true} {
		s := simulate(t, simulator.Options{}, simulator.Org{Answer: simulator.MissingRole(challenge)})
		r := newRig(t, s.URL(), nil)
		for i := range 3 {
			status, err := r.poll(t)
			failure{opsmanager.ReasonRole, 401, "USER_UNAUTHORIZED", "HTTP 401 USER_UNAUTHORIZED"}.check(t, status, err)
			if n := len(r.codes()); n != 1 && i > 0 {
				t.Errorf("challenge %t: got %d requests", challenge, n)
			}
		}
		s.SetOrg(testOrg, simulator.Org{})
		r.synced(t)
		if codes := r.codes(); !slices.Equal(codes, []int{http.StatusOK}) {
			t.Errorf("challenge %t: got %v, want the nonce to serve on", challenge, codes)
		}
	}
}
