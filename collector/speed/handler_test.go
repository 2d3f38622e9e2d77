package speed_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"opsmanager_exporter/collector"
)

// BenchmarkHandler is a scrape with the exporter in this process and the Ops
// Manager in another one: for allocations, and for profiles.
//
//	go test -run '^$' -bench Handler/orgs=1000/keys=shared -cpuprofile cpu.prof ./collector/speed
func BenchmarkHandler(b *testing.B) {
	for _, orgs := range []int{1, 100, 1000, 10000} {
		for _, own := range []bool{false, true} {
			f := fleet{Orgs: orgs, OwnKeys: own}
			b.Run(f.String(), func(b *testing.B) {
				o := startOpsManager(b, f)
				e := collector.NewExporter(slog.New(slog.DiscardHandler), "bench")
				defer e.Close()
				if err := e.Load(o.configuration(b)); err != nil {
					b.Fatal(err)
				}
				handler := e.Metrics(0)
				scrape := func() {
					w := httptest.NewRecorder()
					r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", http.NoBody)
					r.Header.Set("Accept-Encoding", "gzip")
					handler.ServeHTTP(w, r)
					if w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
				}
				scrape() // connections and nonces
				o.count(b)
				b.ReportAllocs()
				for b.Loop() {
					scrape()
				}
				b.ReportMetric(float64(o.count(b).Requests)/float64(b.N*orgs), "requests/poll")
			})
		}
	}
}
