package faults_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/realproxy"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/web"
)

// serveExporter starts an exporter with a configuration and returns the URL of
// its metrics.
func serveExporter(t *testing.T, configuration string) string {
	t.Helper()
	e := collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	t.Cleanup(e.Close)
	if err := e.Load(testfile.New(t, "opsmanager.yml", configuration)); err != nil {
		t.Fatalf("%v\n%s", err, configuration)
	}
	server := httptest.NewServer(web.New(web.Options{Exporter: e, TimeoutOffset: offset}))
	t.Cleanup(server.Close)
	return server.URL + "/metrics"
}

// backEnds starts n servers of one Ops Manager that do not share nonces, with orgs
// organizations: every other one is SYNCED.
func backEnds(t *testing.T, n, orgs int, o simulator.Options) []*simulator.Server {
	t.Helper()
	var servers []*simulator.Server
	for i := range n {
		if i > 0 {
			o.Beside = servers[0]
		}
		servers = append(servers, scene{T: t}.simulate(o))
	}
	for i := range orgs {
		servers[0].SetOrg(healthyOrg(i), simulator.Org{Answer: simulator.Status(healthyStatus(i))})
	}
	return servers
}

func urls(servers []*simulator.Server) []string {
	var all []string
	for _, s := range servers {
		all = append(all, s.URL())
	}
	return all
}

// tally is the result of several scrapes.
type tally struct {
	polls    int
	wrong    int            // polls with 1 instead of 0 or 0 instead of 1
	lost     map[string]int // polls without a status, by reason
	requests int            // to Ops Manager since the exporter started
}

func (t tally) unknown() (n int) {
	for _, lost := range t.lost {
		n += lost
	}
	return n
}

func (t tally) perPoll() float64 { return float64(t.requests) / float64(t.polls) }

func (t tally) String() string {
	lost := t.unknown()
	return fmt.Sprintf("%d polls, %d wrong, %d lost (%.1f %%: %v), %.3f requests per poll",
		t.polls, t.wrong, lost, 100*float64(lost)/float64(t.polls), t.lost, t.perPoll())
}

// take runs consecutive scrapes.
func take(t *testing.T, url string, scrapes, orgs int) tally {
	t.Helper()
	sum := tally{lost: make(map[string]int)}
	for range scrapes {
		s, err := exposition.Scrape(t.Context(), url, patient)
		if err != nil {
			t.Fatal(err)
		}
		for i := range orgs {
			sum.polls++
			switch got := s.State(t, healthyOrg(i)); got {
			case healthyState(i):
			case "0", "1":
				sum.wrong++
			default:
				sum.lost[got]++
			}
		}
		sum.requests = requests(s)
	}
	return sum
}

// requests returns the number of requests sent to all Ops Managers.
func requests(s exposition.Samples) (all int) {
	for series, value := range s {
		if strings.HasPrefix(series, "opsmanager_api_requests_total{") {
			n := 0
			fmt.Sscan(value, &n)
			all += n
		}
	}
	return all
}

// TestBalancers polls several servers of one Ops Manager that do not share nonces, through
// a real load balancer, with the default of 16 slots.
func TestBalancers(t *testing.T) {
	t.Parallel()
	const orgs, scrapes = 50, 10
	haproxy := func(t *testing.T, urls []string) string {
		return realproxy.StartHAProxy(t, realproxy.Options{BackEnds: urls})
	}
	sticky := func(t *testing.T, urls []string) string {
		return realproxy.StartHAProxy(t, realproxy.Options{BackEnds: urls, Sticky: true})
	}
	nginx := func(t *testing.T, urls []string) string {
		return realproxy.StartNginx(t, realproxy.Options{BackEnds: urls})
	}
	none := func(_ *testing.T, urls []string) string { return urls[0] }
	foreign, session := simulator.Nonce{UnknownRefused: true}, simulator.Nonce{Session: true}
	for _, tt := range []struct {
		name    string
		front   func(*testing.T, []string) string
		servers int
		nonce   simulator.Nonce
		lost    float64 // maximum ratio of lost polls
		perPoll float64 // maximum number of requests per poll
	}{
		{"one server", none, 1, simulator.Nonce{}, 0, 1.01},
		{"one server, HAProxy", haproxy, 1, simulator.Nonce{}, 0, 1.01},
		{"sticky cookie", sticky, 2, simulator.Nonce{}, 0, 1.3},
		{"sticky cookie, foreign nonce refused", sticky, 2, foreign, 0, 1.3},
		{"three servers, sticky cookie", sticky, 3, simulator.Nonce{}, 0, 1.4},
		{"three servers, sticky cookie, foreign nonce refused", sticky, 3, foreign, 0, 1.4},
		{"session cookie", haproxy, 1, session, 0, 1.3},
		{"session cookie, foreign nonce refused", haproxy, 1, simulator.Nonce{Session: true, UnknownRefused: true}, 0, 1.3},
		{"session cookie and sticky cookie", sticky, 2, session, 0, 1.3},
		{"HAProxy, round robin", haproxy, 2, simulator.Nonce{}, 0.01, 10},
		{"HAProxy, round robin, foreign nonce refused", haproxy, 2, foreign, 0.03, 10},
		{"nginx, round robin", nginx, 2, simulator.Nonce{}, 0.01, 10},
		{"nginx, round robin, foreign nonce refused", nginx, 2, foreign, 0.03, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			servers := backEnds(t, tt.servers, orgs, simulator.Options{Nonce: tt.nonce})
			front := tt.front(t, urls(servers))
			url := serveExporter(t, "ops_managers:\n"+manager("om", target{url: front}, ids(orgs, healthyOrg)...))
			sum := take(t, url, scrapes, orgs)
			t.Log(sum)
			if sum.wrong > 0 {
				t.Errorf("values are wrong: %v", sum)
			}
			if float64(sum.unknown()) > tt.lost*float64(sum.polls) {
				t.Errorf("more than %.0f %% of the polls are lost: %v", 100*tt.lost, sum)
			}
			if sum.perPoll() > tt.perPoll {
				t.Errorf("more than %g requests per poll: %v", tt.perPoll, sum)
			}
			// The refusal of a newly issued nonce without stale=true looks like a revoked
			// key. For a valid key that happens only if a request may reach any server.
			if chance := strings.HasSuffix(tt.name, "round robin, foreign nonce refused"); sum.lost["unauthorized"] > 0 && !chance {
				t.Errorf("a key that is right counts as refused: %v", sum)
			}
		})
	}
}

// TestKeyRevokedBehindBalancer revokes the key after it has worked at every server: the
// next scrape detects it with few requests.
func TestKeyRevokedBehindBalancer(t *testing.T) {
	t.Parallel()
	const orgs = 50
	servers := backEnds(t, 2, orgs, simulator.Options{})
	front := realproxy.StartHAProxy(t, realproxy.Options{BackEnds: urls(servers), Sticky: true})
	url := serveExporter(t, "ops_managers:\n"+manager("om", target{url: front}, ids(orgs, healthyOrg)...))
	before := take(t, url, 3, orgs)
	servers[0].RemoveKey(publicKey)
	after := take(t, url, 1, orgs)
	if after.lost["unauthorized"] != orgs {
		t.Errorf("after the key was revoked: %v", after.lost)
	}
	if after.requests-before.requests > 3*orgs {
		t.Errorf("a revoked key costs %d requests for %d polls", after.requests-before.requests, orgs)
	}
}
