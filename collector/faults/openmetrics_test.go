package faults_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
)

// TestFormats lets real Prometheus servers scrape each format that they support: all have
// the same samples, and protobuf has native histograms.
func TestFormats(t *testing.T) {
	for _, suite := range realprometheus.Suites() {
		t.Run(suite.Name, func(t *testing.T) {
			t.Parallel()
			realprogram.Need(t, suite.Prometheus)
			p := launch(t, ":", 3)
			p.ready(t)
			exporter, err := url.Parse(p.url)
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			formats := make(map[string]string) // by job
			proxy := httptest.NewServer(&httputil.ReverseProxy{
				Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(exporter) },
				ModifyResponse: func(r *http.Response) error {
					mu.Lock()
					defer mu.Unlock()
					formats[r.Request.URL.Query().Get("job")] = r.Header.Get("Content-Type")
					return nil
				},
			})
			t.Cleanup(proxy.Close)

			jobs := map[string]string{
				"PrometheusProto":      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
				"OpenMetricsText1.0.0": "application/openmetrics-text; version=1.0.0",
				"OpenMetricsText0.0.1": "application/openmetrics-text; version=0.0.1",
				"PrometheusText0.0.4":  "text/plain; version=0.0.4",
			}
			if suite.Name == "Debian" { // whose format cannot be configured
				jobs = map[string]string{"": "application/openmetrics-text; version=1.0.0"}
			}
			var config strings.Builder
			config.WriteString("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n")
			for job := range jobs {
				for _, path := range []string{"/metrics", "/probe"} {
					fmt.Fprintf(&config, "  - job_name: %q\n    metrics_path: %s\n    params: {job: [%q], target: [%q]}\n    static_configs: [{targets: [%q]}]\n",
						job+path, path, job+path, healthyOrg(0), strings.TrimPrefix(proxy.URL, "http://"))
					if job != "" {
						fmt.Fprintf(&config, "    scrape_protocols: [%s]\n", job)
					}
					if job == "PrometheusProto" {
						config.WriteString("    scrape_native_histograms: true\n")
					}
				}
			}
			prometheus := suite.StartPrometheus(t, config.String(), nil)
			one := func(expr string) (float64, error) {
				samples := realprometheus.Query(t, prometheus, expr)
				if len(samples) != 1 {
					return 0, fmt.Errorf("%s: %d samples", expr, len(samples))
				}
				return samples[0].Value, nil
			}
			realprogram.Await(t, time.Minute, func() error {
				for job, format := range jobs {
					for path, orgs := range map[string]float64{"/metrics": 3, "/probe": 1} {
						for expr, want := range map[string]float64{
							"up{job=%q}": 1,
							"sum(opsmanager_migration_link_scrape_success{job=%q})":        orgs,
							"count(opsmanager_migration_link_scrape_errors_total{job=%q})": orgs,
						} {
							if got, err := one(fmt.Sprintf(expr, job+path)); err != nil || got != want {
								return fmt.Errorf("%s: %s is %v, want %v; %w", job+path, expr, got, want, err)
							}
						}
						mu.Lock()
						got := formats[job+path]
						mu.Unlock()
						if !strings.HasPrefix(got, format) {
							return fmt.Errorf("%s was answered with %s, want %s", job+path, got, format)
						}
					}
				}
				if jobs["PrometheusProto"] == "" {
					return nil
				}
				_, err := one(`histogram_count(opsmanager_api_request_duration_seconds{job="PrometheusProto/metrics"}) > 0`)
				return err
			})
		})
	}
}
