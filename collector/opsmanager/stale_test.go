package opsmanager_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

var noNonce = failure{opsmanager.ReasonNonce, 401, "", "HTTP 401: no digest nonce was accepted, but the API key is not the problem"}

func TestEndlessStaleness(t *testing.T) {
	s := simulate(t, simulator.Options{Nonce: simulator.Nonce{AlwaysStale: true}}, simulator.Org{})
	r := newRig(t, s.URL(), nil)
	status, err := r.poll(t)
	noNonce.check(t, status, err)
	if n := s.Counts().Requests; n != 11 {
		t.Errorf("first poll: got %d requests, want a challenge and 10", n)
	}
	status, err = r.poll(t)
	noNonce.check(t, status, err)
	if n := s.Counts().Requests; n != 21 {
		t.Errorf("second poll: got %d requests, want 10 more", n)
	}
}

// The number of attempts is the same for a server that accepted nonces before.
func TestSuddenStaleness(t *testing.T) {
	var broken atomic.Bool
	s := simulate(t, simulator.Options{}, simulator.Org{})
	stale := simulate(t, simulator.Options{Nonce: simulator.Nonce{AlwaysStale: true}}, simulator.Org{})
	u, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	v, err := url.Parse(stale.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if broken.Load() {
			r.SetURL(v)
		} else {
			r.SetURL(u)
		}
	}})
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	t.Cleanup(proxy.Close)
	r := newRig(t, proxy.URL, nil)
	r.synced(t)
	broken.Store(true)
	for i := range 3 {
		stale.ResetCounts()
		status, err := r.poll(t)
		noNonce.check(t, status, err)
		if got := stale.Counts().Requests; got != 10 {
			t.Errorf("poll %d: got %d requests, want 10", i, got)
		}
	}
	broken.Store(false)
	r.synced(t)
}

// No poll is lost, however the server handles nonces. The exception is round robin over
// back ends that do not share nonces, with many concurrent requests: ten attempts in a row
// may fail by chance, which is reported as such and not as a rejected key.
func TestDifficultNonces(t *testing.T) {
	for name, tt := range map[string]struct {
		nonce  simulator.Nonce
		chance bool
	}{
		"one-time":                   {simulator.Nonce{OneTime: true}, false},
		"strict count":               {simulator.Nonce{StrictCount: true}, false},
		"few uses":                   {simulator.Nonce{Uses: 3}, false},
		"two back ends":              {simulator.Nonce{BackEnds: 2}, true},
		"two for connections":        {simulator.Nonce{BackEnds: 2, PerConnection: true}, true},
		"two, one-time":              {simulator.Nonce{BackEnds: 2, OneTime: true}, true},
		"two, one-time, connections": {simulator.Nonce{BackEnds: 2, PerConnection: true, OneTime: true}, true},
	} {
		t.Run(name+", serial", func(t *testing.T) {
			t.Parallel()
			r := newRig(t, simulate(t, simulator.Options{Nonce: tt.nonce}, simulator.Org{}).URL(), nil)
			for range 50 {
				r.synced(t)
			}
		})
		t.Run(name+", at once", func(t *testing.T) {
			t.Parallel()
			r := newRig(t, simulate(t, simulator.Options{Nonce: tt.nonce}, delayed).URL(), nil)
			var got atomic.Int64
			for range 4 {
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {
						switch status, err := r.poll(t); {
						case err == nil && status == opsmanager.Synced:
							got.Add(1)
						case !tt.chance || opsmanager.ReasonOf(err) != opsmanager.ReasonNonce:
							t.Errorf("got status %q, %v", status, err)
						}
					})
				}
				wg.Wait()
			}
			if got.Load() < 160 {
				t.Errorf("%d of 200 polls got a status", got.Load())
			}
		})
	}
}
