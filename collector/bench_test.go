package collector

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

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
