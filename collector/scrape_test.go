package collector_test

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/clock"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/wait"
)

func TestStates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		org  simulator.Org
		want string
	}{
		{"synced", simulator.Org{Answer: simulator.Status("SYNCED")}, "1"},
		{"not synced", simulator.Org{Answer: simulator.Status("NOT_SYNCED")}, "0"},
		{"gzip", simulator.Org{Answer: simulator.Gzip(simulator.Status("SYNCED"))}, "1"},
		{"missing role", simulator.Org{Answer: simulator.MissingRole(false)}, "role"},
		{"missing role with a challenge", simulator.Org{Answer: simulator.MissingRole(true)}, "role"},
		{"another organization's key", simulator.Org{Keys: []string{"other"}}, "role"},
		{"access list", simulator.Org{Answer: simulator.NotOnAccessList("192.0.2.1")}, "access_list"},
		{"access list required", simulator.Org{Answer: simulator.OrgRequiresAccessList("192.0.2.1")}, "access_list"},
		{"feature not offered", simulator.Org{Answer: simulator.Code(403, "FEATURE_UNSUPPORTED")}, "forbidden"},
		{"no such organization", simulator.Org{Answer: simulator.OrgNotFound()}, "not_found"},
		{"no such endpoint", simulator.Org{Answer: simulator.ResourceNotFound()}, "not_found"},
		{"rate limited", simulator.Org{Answer: simulator.RateLimited("55")}, "rate_limited"},
		{"unexpected error", simulator.Org{Answer: simulator.UnexpectedError()}, "server_error"},
		{"balancer", simulator.Org{BeforeAuth: simulator.HTML(502)}, "server_error"},
		{"redirect", simulator.Org{Answer: simulator.Redirect("http://127.0.0.1:1/", 302)}, "redirect"},
		{"login page", simulator.Org{Answer: simulator.HTML(200)}, "bad_response"},
		{"no such method", simulator.Org{Answer: simulator.MethodNotAllowed()}, "bad_response"},
		{"truncated JSON", simulator.Org{Answer: simulator.TruncatedJSON()}, "bad_response"},
		{"broken gzip", simulator.Org{Answer: simulator.BrokenGzip()}, "bad_response"},
		{"enveloped", simulator.Org{Answer: simulator.Envelope("content")}, "bad_response"},
		{"huge body", simulator.Org{Answer: simulator.HugeBody(1 << 20)}, "bad_response"},
		{"unknown status", simulator.Org{Answer: simulator.Status("SYNCING")}, "unknown_status"},
		{"other letter case", simulator.Org{Answer: simulator.Status("synced")}, "unknown_status"},
		{"hangs", simulator.Org{Answer: simulator.Hang()}, "timeout"},
		{"hangs before authentication", simulator.Org{BeforeAuth: simulator.Hang()}, "timeout"},
		{"slow by the byte", simulator.Org{Answer: simulator.SlowBody(time.Second)}, "timeout"},
		{"reset", simulator.Org{Answer: simulator.Reset()}, "connect"},
		{"cut in the headers", simulator.Org{Answer: simulator.Cut()}, "connect"},
		{"cut in the body", simulator.Org{Answer: simulator.Truncated()}, "connect"},
	}
	// In one scrape with healthy organizations, several times in a row: the failure of
	// one organization never affects another.
	const healthy = 20
	wait.Growing(t, 500*time.Millisecond, func(limit time.Duration) error {
		f := start(t, settings{orgs: healthy + len(tests), timeout: limit})
		// All were SYNCED in the previous scrape, which must not be exposed now.
		if got := f.states(t, f.scrape(t, "60")); got["1"] != healthy+len(tests) {
			return fmt.Errorf("before the faults: %v", got)
		}
		for i, tt := range tests {
			f.sim.SetOrg(orgID(healthy+i), tt.org)
		}
		for round := range 3 {
			s := f.scrape(t, "60")
			for i := range healthy {
				if got := s.State(t, orgID(i)); got != "1" {
					return fmt.Errorf("round %d: healthy organization %d: %s", round, i, got)
				}
			}
			for i, tt := range tests {
				if got := s.State(t, orgID(healthy+i)); got != tt.want {
					return fmt.Errorf("round %d: %s: got %s, want %s", round, tt.name, got, tt.want)
				}
				wantErrors := strconv.Itoa(round + 1)
				if tt.want == "0" || tt.want == "1" {
					wantErrors = "0"
				}
				if got := s.Link("scrape_errors_total", orgID(healthy+i)); got != wantErrors {
					t.Errorf("round %d: %s: scrape_errors_total %s, want %s", round, tt.name, got, wantErrors)
				}
			}
		}
		return nil
	})
}

// A status that was read before is not exposed once there is no connection.
func TestServerGoesAway(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 3})
	f.expect(t, "before", "1", "1", "1")
	if err := f.sim.Close(); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "no server", "connect", "connect", "connect")
}

func TestOwnKeysCostOneRequestPerPoll(t *testing.T) {
	t.Parallel()
	const orgs = 40
	now := clock.New()
	f := start(t, settings{orgs: orgs, ownKeys: true, sim: simulator.Options{Now: now.Now}})
	f.scrape(t, "60")
	if got := f.sim.Counts().Requests; got != 2*orgs {
		t.Errorf("first scrape: %d requests for %d organizations, want one challenge each", got, orgs)
	}
	for range 3 {
		f.sim.ResetCounts()
		f.scrape(t, "60")
		if got := f.sim.Counts().Requests; got != orgs {
			t.Errorf("%d requests for %d organizations while nonces live", got, orgs)
		}
	}
	// Only the server's clock jumps, so the expiry cannot be predicted.
	now.Advance(61 * time.Second)
	f.sim.ResetCounts()
	s := f.scrape(t, "60")
	if got := f.sim.Counts().Requests; got > 2*orgs {
		t.Errorf("%d requests for %d organizations at an expiry", got, orgs)
	}
	if got := f.states(t, s); got["1"] != orgs {
		t.Errorf("states at an expiry: %v", got)
	}
}

func TestSharedKeyCostsOneChallenge(t *testing.T) {
	t.Parallel()
	const orgs = 200
	f := start(t, settings{orgs: orgs, concurrency: 32, timeout: time.Minute})
	for round := range 3 {
		f.sim.ResetCounts()
		s := f.scrape(t, "60")
		want := int64(orgs)
		if round == 0 {
			want++
		}
		if got := int64(f.sim.Counts().Requests); got != want {
			t.Errorf("round %d: %d requests, want %d", round, got, want)
		}
		if got := f.states(t, s); got["1"] != orgs {
			t.Errorf("round %d: states %v", round, got)
		}
	}
	if got := int64(f.sim.Counts().MaxInFlight); got > 32 {
		t.Errorf("%d requests at once, want at most 32", got)
	}
	f.sim.Restart() // forgets nonces and connections
	f.sim.ResetCounts()
	s := f.scrape(t, "60")
	if got := int64(f.sim.Counts().Requests); got > orgs+32 {
		t.Errorf("after a restart %d requests, want at most one extra for each poll in flight", got)
	}
	if got := f.states(t, s); got["1"] != orgs {
		t.Errorf("after a restart: states %v", got)
	}
}

// Time stands still while there is a connection: net/http would drop one whose
// goroutine does not run for 50 ms after a request was written.
func TestConnectionsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, settings{orgs: 100, concurrency: 8})
		for range 5 {
			f.scrape(t, "60")
		}
		if got := f.sim.Counts().Connections; got > 8 {
			t.Errorf("%d connections opened, want at most 8", got)
		}
	})
}

func TestSimultaneousScrapesShareThePolls(t *testing.T) {
	t.Parallel()
	const orgs, scrapes = 40, 4
	wait.Growing(t, 100*time.Millisecond, func(limit time.Duration) error {
		f := start(t, settings{orgs: orgs, concurrency: 8, timeout: time.Minute})
		f.scrape(t, "60")
		// No poll gets a response before every scrape has had time to join it.
		together := make(chan struct{})
		for i := range orgs {
			f.sim.SetOrg(orgID(i), simulator.Org{Answer: held(together)})
		}
		// Not a 5xx, which closes its connection, so that a poll that just got it would send two requests.
		f.sim.SetOrg(orgID(0), simulator.Org{Answer: simulated.Held(together, simulator.OrgNotFound())})
		f.sim.ResetCounts()
		before := f.arrived.Load()
		var wg sync.WaitGroup
		var mu sync.Mutex
		var counts []string
		for range scrapes {
			wg.Go(func() {
				s, err := get(t, f.url, "60")
				if err != nil {
					t.Error(err)
					return
				}
				if got := f.states(t, s); !maps.Equal(got, map[string]int{"1": orgs - 1, "not_found": 1}) {
					t.Errorf("states %v", got)
				}
				mu.Lock()
				defer mu.Unlock()
				counts = append(counts, s.Link("scrape_errors_total", orgID(0)))
			})
		}
		wait.For(t, "all scrapes arrive", func() bool { return f.arrived.Load() == before+scrapes })
		time.Sleep(limit)
		close(together)
		wg.Wait()
		if !strings.Contains(strings.Join(counts, " "), "4") {
			t.Errorf("scrape_errors_total %v: four scrapes that share a failed poll count four", counts)
		}
		if got := f.sim.Counts().Requests; got != orgs {
			return fmt.Errorf("four scrapes at once cost %d requests, want %d", got, orgs)
		}
		return nil
	})
}

func TestCancelledScrapeLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	const orgs = 20
	f := start(t, settings{orgs: orgs, concurrency: 4})
	f.scrape(t, "60")
	for i := range orgs {
		f.sim.SetOrg(orgID(i), simulator.Org{Delay: 50 * time.Millisecond})
	}
	client := &http.Client{Timeout: 60 * time.Millisecond}
	for range 5 {
		var wg sync.WaitGroup
		wg.Go(func() {
			if resp, err := client.Get(f.url); err == nil {
				resp.Body.Close()
				t.Error("the impatient scrape got an answer")
			}
		})
		wg.Go(func() {
			s, err := get(t, f.url, "60")
			if err != nil {
				t.Error(err)
				return
			}
			if got := f.states(t, s); got["1"] != orgs {
				t.Errorf("states %v", got)
			}
		})
		wg.Wait()
	}
	if got := f.scrape(t, "60").Link("scrape_errors_total", orgID(orgs-1)); got != "0" {
		t.Errorf("scrape_errors_total %s: a scrape whose client left is no scrape that failed", got)
	}
}
