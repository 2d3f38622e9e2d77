package speed_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/web"
)

// BenchmarkHandler measures a scrape of the exporter in this process, so that allocations
// can be counted and the CPU profiled:
//
//	go test -run '^$' -bench Handler/orgs=1000/keys=shared -cpuprofile cpu.out ./collector/speed
func BenchmarkHandler(b *testing.B) {
	for _, orgs := range []int{1, 100, 1000, 10000} {
		for _, own := range []bool{false, true} {
			f := fleet{Orgs: orgs, OwnKeys: own}
			b.Run(f.String(), func(b *testing.B) {
				o := startOpsManager(b, f)
				e := collector.NewExporter(slog.New(slog.DiscardHandler), "bench")
				defer e.Close()
				e.Apply(o.load(b))
				handler := web.New(web.Options{Exporter: e})
				scrape := func() {
					w := httptest.NewRecorder()
					r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil)
					r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "60")
					r.Header.Set("Accept-Encoding", "gzip")
					handler.ServeHTTP(w, r)
					if w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
				}
				scrape() // opens connections and gets nonces
				o.count(b)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				b.ReportAllocs()
				for b.Loop() {
					scrape()
				}
				runtime.ReadMemStats(&after)
				polls := float64(b.N * orgs)
				b.ReportMetric(float64(after.Mallocs-before.Mallocs)/polls, "allocs/poll")
				b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/polls, "B/poll")
				o.report(b)
			})
		}
	}
}
