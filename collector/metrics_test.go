package collector_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Every request is counted, and the scrape that sent it shows it.
func TestMetricsOfRequests(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 2})
	s := f.scrape(t, "60")
	for series, want := range map[string]string{
		`opsmanager_api_requests_total{code="401",ops_manager="production"}`:                 "1",
		`opsmanager_api_requests_total{code="200",ops_manager="production"}`:                 "2",
		`opsmanager_api_request_duration_seconds_count{ops_manager="production"}`:            "3",
		`opsmanager_api_request_duration_seconds_bucket{ops_manager="production",le="+Inf"}`: "3",
		`opsmanager_exporter_config_last_reload_successful`:                                  "1",
	} {
		if got := s[series]; got != want {
			t.Errorf("%s %q, want %s", series, got, want)
		}
	}
	if _, ok := s["opsmanager_exporter_config_last_reload_success_timestamp_seconds"]; !ok {
		t.Error("no time of the last reload")
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(f.exporter.Targets().Metrics())
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetHelp() == "" {
			t.Errorf("%s has no help", family.GetName())
		}
	}
	f.sim.Close()
	if got := f.scrape(t, "60")[`opsmanager_api_requests_total{code="error",ops_manager="production"}`]; got == "" || got == "0" {
		t.Errorf("without a server: %q requests without a response", got)
	}
}
