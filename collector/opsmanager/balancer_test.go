package opsmanager_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/clock"
	"opsmanager_exporter/config"
)

// front configures a balancer.
type front struct {
	servers int
	sticky  string // cookie that selects a server, "" for round robin
	session string // cookie that nonces are bound to, "" for none
	quiet   bool   // never send stale=true
}

// balancer is a load balancer in front of several simulated Ops Managers that do not
// share nonces.
type balancer struct {
	front
	proxies []*httputil.ReverseProxy
	handles []*simulator.Server

	turn     atomic.Int64
	down     atomic.Int64 // the number of one that cannot be reached, from 1
	requests atomic.Int64

	mu     sync.Mutex
	nonces map[string]string // to their sessions
}

var nonceField = regexp.MustCompile(`nonce="([^"]*)"`)

// balance starts a balancer in front of servers with all keys, and a client. Time stands
// still for their nonces: on a slow machine they would expire.
func balance(t testing.TB, f front) (*balancer, *rig) {
	t.Helper()
	now := clock.New()
	b := &balancer{front: f, nonces: make(map[string]string)}
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	for i := range f.servers {
		s := simulate(t, simulator.Options{Now: now.Now}, simulator.Org{})
		for i := range balancedOrgs {
			s.SetKey(keyed(i, true).Public.Reveal(), testPrivate)
		}
		u := parse(t, s.URL())
		b.handles = append(b.handles, s)
		b.proxies = append(b.proxies, &httputil.ReverseProxy{
			Transport:      transport,
			Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(u) },
			ModifyResponse: func(r *http.Response) error { b.answer(r, i); return nil },
		})
	}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return b, newRig(t, server.URL, func(o *opsmanager.Options) { o.Sessions = opsmanager.NewSessionsAt(now.Now) })
}

func parse(t testing.TB, rawURL string) *url.URL {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// revoke makes all servers forget all keys.
func (b *balancer) revoke() {
	for _, s := range b.handles {
		s.RemoveKey(testPublic)
		for i := range balancedOrgs {
			s.RemoveKey(keyed(i, true).Public.Reveal())
		}
	}
}

// ServeHTTP forwards a request.
func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.requests.Add(1)
	i := int(b.turn.Add(1)) % len(b.proxies)
	if c, err := r.Cookie(cmp.Or(b.sticky, "none")); err == nil {
		if n, err := strconv.Atoi(strings.TrimPrefix(c.Value, "server")); err == nil && int64(n+1) != b.down.Load() {
			i = n
		}
	}
	if int64(i+1) == b.down.Load() {
		i = (i + 1) % len(b.proxies)
	}
	if b.session != "" {
		b.bind(r)
	}
	b.proxies[i].ServeHTTP(w, r)
}

// bind removes the credentials of a request whose nonce belongs to another session.
func (b *balancer) bind(r *http.Request) {
	m := nonceField.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, err := r.Cookie(b.session); err != nil || c.Value != b.nonces[m[1]] {
		r.Header.Del("Authorization")
	}
}

// answer modifies a response like balancers and servers with sessions.
func (b *balancer) answer(r *http.Response, server int) {
	request := r.Request
	value := fmt.Sprint("server", server)
	if c, err := request.Cookie(cmp.Or(b.sticky, "none")); b.sticky != "" && (err != nil || c.Value != value) {
		r.Header.Add("Set-Cookie", b.sticky+"="+value+"; path=/")
	}
	m := nonceField.FindStringSubmatch(strings.Join(r.Header.Values("WWW-Authenticate"), ""))
	if b.session != "" && m != nil {
		id := ""
		if c, err := request.Cookie(b.session); err == nil {
			id = c.Value
		} else {
			id = fmt.Sprint("session", b.turn.Load())
			r.Header.Add("Set-Cookie", b.session+"="+id+"; Path=/; HttpOnly")
		}
		b.mu.Lock()
		b.nonces[m[1]] = id
		b.mu.Unlock()
	}
	if b.quiet {
		for name, lines := range r.Header {
			if strings.EqualFold(name, "WWW-Authenticate") {
				for i := range lines {
					lines[i] = strings.Replace(lines[i], "stale=true", "stale=false", 1)
				}
			}
		}
	}
}

const balancedOrgs = 50

// keyed returns the key of an organization, its own or the shared one.
func keyed(i int, own bool) config.KeyPair {
	if own {
		return keyOf(fmt.Sprint("public", i), testPrivate)
	}
	return keyOf(testPublic, testPrivate)
}

// scrape polls all organizations over 16 slots. It returns the number of requests per
// poll, and the number of polls without a status by reason.
func (b *balancer) scrape(t *testing.T, r *rig, own bool) (requests float64, lost map[opsmanager.Reason]int) {
	t.Helper()
	lost = make(map[opsmanager.Reason]int)
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	b.requests.Store(0)
	for i := range balancedOrgs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if status, err := r.read(ctx, keyed(i, own), testOrg); err != nil || status != opsmanager.Synced {
				mu.Lock()
				defer mu.Unlock()
				lost[opsmanager.ReasonOf(err)]++
			}
		})
	}
	all.Wait()
	return float64(b.requests.Load()) / balancedOrgs, lost
}

// A valid key is never reported as rejected, whatever the balancer does. Where cookies lead
// to the server that knows a nonce, no poll is lost. After the tenth scrape the keys are
// revoked; the next scrape detects it with few requests.
func TestBehindBalancers(t *testing.T) {
	ci.Long(t)
	for name, tt := range map[string]struct {
		front
		requests float64 // per poll, with a shared key
		lost     int     // of 500 polls, because no nonce was accepted
	}{
		"one server":                         {front{servers: 1}, 1.01, 0},
		"sticky cookie":                      {front{servers: 2, sticky: "SRV"}, 1.3, 0},
		"sticky cookie, nothing stale":       {front{servers: 2, sticky: "SRV", quiet: true}, 1.3, 0},
		"sticky cookie, three":               {front{servers: 3, sticky: "SRV"}, 1.4, 0},
		"sticky cookie, three nothing stale": {front{servers: 3, sticky: "SRV", quiet: true}, 1.4, 0},
		"session cookie":                     {front{servers: 1, session: "JSESSIONID"}, 1.01, 0},
		"both cookies":                       {front{servers: 3, sticky: "SRV", session: "JSESSIONID"}, 1.4, 0},
		"round robin":                        {front{servers: 2}, 2.5, 5},
		"round robin, three":                 {front{servers: 3}, 4, 25},
	} {
		for keys, own := range map[string]bool{"one key": false, "own keys": true} {
			t.Run(name+", "+keys, func(t *testing.T) {
				t.Parallel()
				b, r := balance(t, tt.front)
				const scrapes = 10
				var requests float64
				missed := 0
				for range scrapes {
					each, lost := b.scrape(t, r, own)
					requests += each / scrapes
					missed += lost[opsmanager.ReasonNonce]
					delete(lost, opsmanager.ReasonNonce)
					if len(lost) > 0 {
						t.Errorf("lost %v", lost)
					}
				}
				limit := tt.requests
				if own {
					limit += 0.1 // a challenge for each key
				}
				t.Logf("%.2f requests, %d lost", requests, missed)
				if requests > limit || missed > tt.lost {
					t.Errorf("%.2f requests for each poll, want %.2f; %d polls of 500 lost, want %d", requests, limit, missed, tt.lost)
				}

				b.revoke()
				each, lost := b.scrape(t, r, own)
				if lost[opsmanager.ReasonUnauthorized] < balancedOrgs-tt.lost || tt.lost == 0 && each > 3 {
					t.Errorf("revoked: %v at %.2f requests", lost, each)
				}
			})
		}
	}
}

// With round robin, a nonce of another server looks like a wrong key. The client learns
// that from accepted polls with the same key.
func TestTurnsThatLookLikeAWrongKey(t *testing.T) {
	b, r := balance(t, front{servers: 2, quiet: true})
	b.scrape(t, r, false)
	missed := 0
	for range 10 {
		_, lost := b.scrape(t, r, false)
		missed += lost[opsmanager.ReasonUnauthorized] + lost[opsmanager.ReasonNonce]
	}
	if missed > 5 {
		t.Errorf("%d of 500 polls lost", missed)
	}
	b.revoke()
	if _, lost := b.scrape(t, r, false); lost[opsmanager.ReasonUnauthorized] != balancedOrgs {
		t.Errorf("revoked: %v", lost)
	}
	if each, lost := b.scrape(t, r, false); lost[opsmanager.ReasonUnauthorized] != balancedOrgs || each > 3 {
		t.Errorf("revoked, next scrape: %v at %.2f requests", lost, each)
	}
}

// The server selected by a cookie goes down: the balancer forwards its requests to
// another server, with a new cookie.
func TestFailover(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		t.Run(fmt.Sprint("quiet ", quiet), func(t *testing.T) {
			b, r := balance(t, front{servers: 3, sticky: "SRV", session: "JSESSIONID", quiet: quiet})
			b.scrape(t, r, false)
			for down := range int64(3) {
				b.down.Store(down + 1)
				if each, lost := b.scrape(t, r, false); len(lost) > 0 || each > 1.5 {
					t.Errorf("server %d down: lost %v, %.2f requests", down, lost, each)
				}
				if each, lost := b.scrape(t, r, false); len(lost) > 0 || each > 1.3 {
					t.Errorf("server %d down for long: lost %v, %.2f requests", down, lost, each)
				}
			}
		})
	}
}
