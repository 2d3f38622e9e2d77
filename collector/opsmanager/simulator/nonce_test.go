package simulator

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/clock"
)

func TestNonceRules(t *testing.T) {
	const r, s, a = refused, stale, accepted
	tests := []struct {
		name  string
		rules Nonce
		uses  []string
		want  []verdict
	}{
		{"any order, no replay", Nonce{}, []string{"1", "3", "2", "3", "00000003", "4"}, []verdict{a, a, a, r, r, a}},
		{"uses", Nonce{Uses: 3}, []string{"1", "2", "3", "ffffffffff"}, []verdict{a, a, s, s}},
		{"one time", Nonce{OneTime: true}, []string{"1", "1", "2"}, []verdict{a, s, s}},
		{"strict", Nonce{StrictCount: true}, []string{"2", "1", "2", "5", "3", "6"}, []verdict{a, r, r, a, r, a}},
		{"malformed", Nonce{}, []string{"", "-1", "g", "11112222333344445"}, []verdict{r, r, r, r}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := Options{Nonce: tt.rules}.completed()
			if err != nil {
				t.Fatal(err)
			}
			store := newNonceStore(o.Nonce, o.Now)
			n := store.issue("")
			for i, nc := range tt.uses {
				if got := store.use(n, "", nc); got != tt.want[i] {
					t.Errorf("use %d, nc=%s: got %d, want %d", i, nc, got, tt.want[i])
				}
			}
		})
	}
}

func TestNonceAgeCountsFromIssue(t *testing.T) {
	now := clock.New()
	store := newNonceStore(Nonce{Lifetime: time.Minute, Uses: 1024}, now.Now)
	n := store.issue("")
	for i, step := range []struct {
		after time.Duration
		want  verdict
	}{{30 * time.Second, accepted}, {30 * time.Second, accepted}, {time.Nanosecond, stale}} {
		now.Advance(step.after)
		if got := store.use(n, "", fmt.Sprint(i+1)); got != step.want {
			t.Errorf("step %d: got %d, want %d", i, got, step.want)
		}
	}
}

func TestNonceStoreIsPruned(t *testing.T) {
	now := clock.New()
	store := newNonceStore(Nonce{Lifetime: time.Minute, Uses: 1024}, now.Now)
	for range 1000 {
		now.Advance(time.Second)
		store.use(store.issue(""), "", "1")
	}
	if len(store.byValue) > 61 || len(store.issued) > 61 || cap(store.issued) > 1000 {
		t.Errorf("kept %d nonces, queue %d of %d", len(store.byValue), len(store.issued), cap(store.issued))
	}
}

func TestNonceLooksLikeJettys(t *testing.T) {
	store := newNonceStore(Nonce{Lifetime: time.Minute, Uses: 1024}, time.Now)
	n := store.issue("")
	if b, err := base64.StdEncoding.DecodeString(n); err != nil || len(b) != 24 || len(n) != 32 {
		t.Errorf("nonce %q: %d bytes, %v", n, len(b), err)
	}
	if n == store.issue("") {
		t.Error("the same nonce twice")
	}
}

// Of concurrent uses of one count, exactly one is accepted.
func TestNonceParallelReplay(t *testing.T) {
	store := newNonceStore(Nonce{Lifetime: time.Minute, Uses: 1024}, time.Now)
	n := store.issue("")
	var (
		wg sync.WaitGroup
		ok atomic.Int64
	)
	for range 32 {
		wg.Go(func() {
			if store.use(n, "", "1") == accepted {
				ok.Add(1)
			}
		})
	}
	wg.Wait()
	if ok.Load() != 1 {
		t.Errorf("accepted %d times", ok.Load())
	}
}

func TestBackEnds(t *testing.T) {
	s, c := start(t, Options{Nonce: Nonce{BackEnds: 2}}, Org{}), client(t)
	url := s.URL() + testPath
	nonce := do(t, c, http.MethodGet, url, "").nonce(t) // of the first back end
	for i, want := range []int{401, 200, 401, 200} {    // second, first, ...
		r := do(t, c, http.MethodGet, url, authorize("GET", testPath, nonce, string('1'+rune(i))))
		if r.status != want || r.isStale() != (want == 401) {
			t.Errorf("request %d: %d, %s", i, r.status, r.challenge())
		}
	}
}

func TestBackEndsPerConnection(t *testing.T) {
	s := start(t, Options{Nonce: Nonce{BackEnds: 2, PerConnection: true}}, Org{})
	url, first, second := s.URL()+testPath, client(t), client(t)
	nonce := do(t, first, http.MethodGet, url, "").nonce(t)
	if r := do(t, first, http.MethodGet, url, authorize("GET", testPath, nonce, "1")); r.status != 200 {
		t.Errorf("its own: %d", r.status)
	}
	if r := do(t, second, http.MethodGet, url, authorize("GET", testPath, nonce, "2")); !r.isStale() {
		t.Errorf("the other: %d", r.status)
	}
}

func TestAlwaysStale(t *testing.T) {
	s, c := start(t, Options{Nonce: Nonce{AlwaysStale: true}}, Org{}), client(t)
	for range 3 {
		if r := login(t, c, s, http.MethodGet, testPath); r.status != 401 || !r.isStale() {
			t.Errorf("%d, %s", r.status, r.challenge())
		}
	}
}
