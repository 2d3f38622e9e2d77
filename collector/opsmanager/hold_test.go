package opsmanager_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/testkit/wait"
)

// watched is a context that reports when a poll begins to wait for the challenge of
// another poll, which is when it first calls Done.
type watched struct {
	context.Context
	once    sync.Once
	waiting chan struct{}
}

func (w *watched) Done() <-chan struct{} {
	w.once.Do(func() { close(w.waiting) })
	return w.Context.Done()
}

// leading starts a server that handles the first challenge request with first, and holds
// the next n until all n have arrived.
func leading(t *testing.T, n int64, first http.HandlerFunc) (url string, reached chan struct{}) {
	t.Helper()
	reached = make(chan struct{})
	together := make(chan struct{})
	var challenges atomic.Int64
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			_, _ = w.Write([]byte(`{"status":"SYNCED"}`))
			return
		}
		switch challenges.Add(1) {
		case 1:
			close(reached)
			first(w, r)
			return
		case n + 1:
			close(together)
		}
		select {
		case <-together:
		case <-r.Context().Done():
		}
		w.Header().Set("WWW-Authenticate", `Digest realm="MMS Public API", nonce="abc", qop="auth"`)
		w.WriteHeader(http.StatusUnauthorized)
	}), reached
}

// followers starts n polls and returns when each waits for the leader.
func followers(t *testing.T, r *rig, n int) (all *sync.WaitGroup) {
	t.Helper()
	all = &sync.WaitGroup{}
	for range n {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		w := &watched{Context: ctx, waiting: make(chan struct{})}
		all.Go(func() {
			defer cancel()
			if status, err := r.read(w, keyOf(testPublic, testPrivate), testOrg); status != opsmanager.Synced {
				t.Errorf("got %q, %v", status, err)
			}
		})
		<-w.waiting
	}
	return all
}

// Others wait for a challenge that hangs for a quarter of the timeout.
func TestChallengeThatHangs(t *testing.T) {
	t.Parallel()
	const n = 20
	wait.Growing(t, 400*time.Millisecond, func(timeout time.Duration) error {
		release := make(chan struct{})
		url, reached := leading(t, n, func(http.ResponseWriter, *http.Request) {
			<-release
			panic(http.ErrAbortHandler)
		})
		r := newRig(t, url, func(o *opsmanager.Options) { o.MaxConnections, o.Timeout = 50, timeout })
		var leader sync.WaitGroup
		begun := time.Now()
		leader.Go(func() {
			status, err := r.poll(t)
			failure{opsmanager.ReasonConnect, 0, "", "EOF"}.check(t, status, err)
		})
		<-reached
		followers(t, r, n).Wait()
		took := time.Since(begun)
		r.codes()
		r.synced(t)
		if codes := r.codes(); len(codes) != 1 {
			t.Errorf("got %v, want a poll that need not wait", codes)
		}
		close(release)
		leader.Wait()
		r.synced(t)
		if took < timeout/4 || took > timeout/2 {
			return fmt.Errorf("took %s, want a bit more than a quarter", took)
		}
		return nil
	})
}

func TestChallengeThatFails(t *testing.T) {
	const n = 20
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   failure
	}{
		"cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, failure{opsmanager.ReasonConnect, 0, "", "EOF"}},
		"503": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, failure{opsmanager.ReasonServerError, 503, "", "HTTP 503"}},
		"401": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, failure{opsmanager.ReasonUnauthorized, 401, "", "HTTP 401: the response has no digest challenge"}},
	} {
		t.Run(name, func(t *testing.T) {
			fail := make(chan struct{})
			url, reached := leading(t, n, func(w http.ResponseWriter, r *http.Request) {
				<-fail
				tt.answer(w, r)
			})
			// Followers do not stop waiting before the leader fails.
			r := newRig(t, url, func(o *opsmanager.Options) { o.MaxConnections, o.Timeout = 50, time.Hour })
			var leader sync.WaitGroup
			leader.Go(func() {
				status, err := r.poll(t)
				tt.want.check(t, status, err)
			})
			<-reached
			all := followers(t, r, n)
			close(fail)
			all.Wait()
			leader.Wait()
		})
	}
}

func TestDeadlineWhileWaiting(t *testing.T) {
	url, reached := leading(t, 1, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	r := newRig(t, url, func(o *opsmanager.Options) { o.Timeout = time.Hour })
	ctx, cancel := context.WithCancel(t.Context())
	var leader sync.WaitGroup
	leader.Go(func() { _, _ = r.read(ctx, keyOf(testPublic, testPrivate), testOrg) })
	<-reached
	short, done := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer done()
	status, err := r.read(short, keyOf(testPublic, testPrivate), testOrg)
	failure{opsmanager.ReasonTimeout, 0, "", "no complete response before the deadline"}.check(t, status, err)
	cancel()
	leader.Wait()
}
