package faults_test

import (
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/exposition"
)

// TestRateLimit uses a key with a limit of 25 requests per scrape interval for 60
// organizations: each is read within five scrapes.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	const orgs, allowed, scrapes = 60, 25, 5
	for name, retryAfter := range map[string]bool{"without Retry-After": false, "with Retry-After": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var passed atomic.Int64 // seconds
			begin := time.Now()
			servers := backEnds(t, 1, orgs, simulator.Options{
				Now:   func() time.Time { return begin.Add(time.Duration(passed.Load()) * time.Second) },
				Limit: simulator.Limit{Requests: allowed, Window: time.Second, RetryAfter: retryAfter},
			})
			url := serveExporter(t, "ops_managers:\n"+manager("om", target{url: servers[0].URL()}, ids(orgs, healthyOrg)...))
			read := make(map[int]int) // number of scrapes by organization
			for scrape := range scrapes {
				s, err := exposition.Scrape(t.Context(), url, patient)
				if err != nil {
					t.Fatal(err)
				}
				values := 0
				for i := range orgs {
					switch got := s.State(t, healthyOrg(i)); got {
					case healthyState(i):
						values++
						read[i]++
					case "rate_limited":
					default:
						t.Errorf("scrape %d, organization %d: %s", scrape+1, i, got)
					}
				}
				if values != allowed {
					t.Errorf("scrape %d: %d values, want %d", scrape+1, values, allowed)
				}
				passed.Add(1)
			}
			never := 0
			for i := range orgs {
				if read[i] == 0 {
					never++
				}
			}
			t.Logf("%d of %d organizations were never read in %d scrapes", never, orgs, scrapes)
			if never > 0 {
				t.Errorf("%d of %d organizations were never read in %d scrapes", never, orgs, scrapes)
			}
		})
	}
}
