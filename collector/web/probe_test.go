package web_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	f := start(t, 3, web.Options{})
	f.sim.SetOrg(simulated.OrgID(1), simulator.Org{Answer: simulator.Status("NOT_SYNCED")})
	f.sim.SetOrg(simulated.OrgID(2), simulator.Org{Answer: simulator.UnexpectedError()})
	for i, want := range []string{"1", "0", "server_error"} {
		s := f.scrape(t, "/probe?target="+strings.ToUpper(simulated.OrgID(i)))
		if got := s.State(t, simulated.OrgID(i)); got != want {
			t.Errorf("organization %d: got %s, want %s", i, got, want)
		}
		families := make(map[string]bool)
		for series := range s {
			name, _, _ := strings.Cut(series, "{")
			families[name] = true
			if other := simulated.OrgID((i + 1) % 3); strings.Contains(series, other) {
				t.Errorf("a probe of one organization shows another: %s", series)
			}
		}
		wantFamilies := []string{
			"opsmanager_info", "opsmanager_migration_link_info", "opsmanager_migration_link_scrape_duration_seconds",
			"opsmanager_migration_link_scrape_errors_total", "opsmanager_migration_link_scrape_success",
		}
		if want == "server_error" {
			wantFamilies = append(wantFamilies, "opsmanager_migration_link_scrape_failure_reason")
		} else {
			wantFamilies = append(wantFamilies, "opsmanager_migration_link_last_success_timestamp_seconds", "opsmanager_migration_link_synced")
		}
		slices.Sort(wantFamilies)
		if got := slices.Sorted(maps.Keys(families)); !slices.Equal(got, wantFamilies) {
			t.Errorf("organization %d: families %v, want %v", i, got, wantFamilies)
		}
	}
	if got := f.sim.OrgCounts(simulated.OrgID(0)).OK; got != 1 {
		t.Errorf("organization 0 was answered %d times, want once", got)
	}
	if got := f.scrape(t, "/metrics").Link("scrape_errors_total", simulated.OrgID(2)); got != "2" {
		t.Errorf("scrape_errors_total %s: a probe and a scrape failed", got)
	}
	const unknown = "no organization with this ID is configured: target is the organization's ID, not its name; /sd lists them\n"
	if _, body := f.get(t, "/probe?target=Risk"); body != unknown {
		t.Errorf("a name as target: %q, want %q", body, unknown)
	}
	for path, want := range map[string]int{
		"/probe":         http.StatusBadRequest,
		"/probe?target=": http.StatusBadRequest,
		"/probe?target=" + simulated.OrgID(0) + "&target=" + simulated.OrgID(1): http.StatusBadRequest,
		"/probe?target=" + simulated.OrgID(9):                                   http.StatusNotFound,
		"/probe?target=" + simulated.OrgID(0) + "&debug=yes":                    http.StatusBadRequest,
		"/probe?target=" + simulated.OrgID(0) + "&debug=false":                  http.StatusOK,
		"/probe?target=%3Cscript%3E":                                            http.StatusNotFound,
	} {
		if status, body := f.get(t, path); status != want || strings.Contains(body, "<") {
			t.Errorf("%s: status %d, want %d; body %q", path, status, want, body)
		}
	}
}

// collect[]=exporter leaves the organizations out and polls nothing.
func TestExporterAlone(t *testing.T) {
	t.Parallel()
	f := start(t, 1, web.Options{})
	for series := range f.scrape(t, "/metrics?collect[]=exporter&collect[]=exporter") {
		if strings.HasPrefix(series, "opsmanager_migration_link") {
			t.Errorf("got %s", series)
		}
	}
	if got := f.sim.Counts().Requests; got != 0 {
		t.Errorf("%d requests", got)
	}
	f.scrape(t, "/metrics")
	s := f.scrape(t, "/metrics?collect[]=exporter")
	for _, want := range []string{`opsmanager_api_requests_total{code="200",ops_manager="production"}`, "opsmanager_exporter_scrape_timeout_seconds"} {
		if _, ok := s[want]; !ok {
			t.Errorf("no %s in %v", want, slices.Sorted(maps.Keys(s)))
		}
	}
	if status, body := f.get(t, "/metrics?collect[]=exporter&collect[]=orgs"); status != http.StatusBadRequest || body != "the only valid value of collect[] is exporter\n" {
		t.Errorf("another collector: status %d, %q", status, body)
	}
}
