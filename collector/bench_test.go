package collector

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/config"
)

// BenchmarkScrape scrapes organizations of a server that answers at once, the
// exposition included. The simulated Ops Manager runs in the same process, so
// its CPU counts too.
func BenchmarkScrape(b *testing.B) {
	for _, orgs := range []int{1, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("orgs=%d", orgs), func(b *testing.B) {
			sim, err := simulator.Start(simulator.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer sim.Close()
			sim.SetKey("jkqmzxvt", "key")
			base, err := url.Parse(sim.URL())
			if err != nil {
				b.Fatal(err)
			}
			m := config.OpsManager{
				Name: "production", URL: base, Timeout: 5 * time.Second, MaxConcurrentRequests: 64,
				APIKey: &config.APIKey{PublicKey: config.NewSecret("jkqmzxvt"), PrivateKey: config.NewSecret("key")},
			}
			for i := range orgs {
				id := fmt.Sprintf("%024x", i)
				sim.SetOrg(id, simulator.Org{})
				m.Orgs = append(m.Orgs, config.Org{ID: id})
			}
			e := NewExporter(slog.New(slog.DiscardHandler), "bench")
			defer e.Close()
			e.Apply(&config.Config{OpsManagers: []config.OpsManager{m}})
			handler := e.Metrics(0)
			scrape := func() {
				w := httptest.NewRecorder()
				r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
			scrape()
			sim.ResetCounts()
			b.ReportAllocs()
			for b.Loop() {
				scrape()
			}
			polls := float64(b.N * orgs)
			b.ReportMetric(float64(sim.Counts().Requests)/polls, "requests/poll")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/polls, "µs/poll")
		})
	}
}

// BenchmarkRender is the exposition alone, as Prometheus asks for it, of
// organizations that gave a status.
func BenchmarkRender(b *testing.B) {
	for _, orgs := range []int{1, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("orgs=%d", orgs), func(b *testing.B) {
			e := NewExporter(slog.New(slog.DiscardHandler), "bench")
			defer e.Close()
			var round Round
			for i := range orgs {
				round.Results = append(round.Results, Result{
					OrgID: fmt.Sprintf("%024x", i), OrgName: fmt.Sprint("Organization ", i), OpsManager: "production", Status: opsmanager.Synced,
					Duration: 20*time.Millisecond + time.Duration(i)*time.Microsecond, LastSuccess: time.UnixMilli(1795000000000 + int64(i)),
				})
			}
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept-Encoding", "gzip")
			b.ReportAllocs()
			for b.Loop() {
				if p := e.render(r, time.Now().Add(time.Minute), gatherer{round: round}); p.code != http.StatusOK {
					b.Fatal(p.code)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*orgs), "µs/organization")
		})
	}
}
