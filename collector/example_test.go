package collector_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/demo"
)

// A program that embeds the collector creates a collector and a registry for each
// request, with a deadline for the scrape.
func ExampleTargets_Collector() {
	simulated, err := demo.Start() // or config.Load, or a file for Exporter.Load
	if err != nil {
		panic(err)
	}
	defer simulated.Close()
	exporter := collector.NewExporter(slog.New(slog.DiscardHandler), "1.0.0")
	defer exporter.Close()
	exporter.Apply(simulated.Config)

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 9*time.Second)
		defer cancel()
		targets := exporter.Targets()
		reg := prometheus.NewRegistry()
		reg.MustRegister(targets.Collector(ctx, collector.Options{Then: targets.Metrics()}))
		promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	})

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, `opsmanager_migration_link_scrape_success`) {
			fmt.Print(line)
		}
	}
	// Output:
	// opsmanager_migration_link_scrape_success{org_id="5f1e9c2b8d3a4e0012ab3401"} 1
	// opsmanager_migration_link_scrape_success{org_id="5f1e9c2b8d3a4e0012ab3402"} 1
	// opsmanager_migration_link_scrape_success{org_id="5f1e9c2b8d3a4e0012ab3403"} 1
	// opsmanager_migration_link_scrape_success{org_id="5f1e9c2b8d3a4e0012ab3404"} 0
	// opsmanager_migration_link_scrape_success{org_id="5f1e9c2b8d3a4e0012ab3405"} 0
	// opsmanager_migration_link_scrape_success{org_id="5f1e9c2b8d3a4e0012ab3406"} 0
	// opsmanager_migration_link_scrape_success{org_id="5f1e9c2b8d3a4e0012ab3407"} 0
	// opsmanager_migration_link_scrape_success{org_id="5f1e9c2b8d3a4e0012ab3408"} 0
}
