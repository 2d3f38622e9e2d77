package collector_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

func (f *fixture) page(t *testing.T, path string) (status int, body string) {
	t.Helper()
	resp, err := http.Get("http://" + f.host + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestProbe(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 3})
	f.sim.SetOrg(orgID(1), simulator.Org{Answer: simulator.Status("NOT_SYNCED")})
	f.sim.SetOrg(orgID(2), simulator.Org{Answer: simulator.UnexpectedError()})
	for i, want := range []string{"1", "0", "server_error"} {
		s, err := get(t, "http://"+f.host+"/probe?target="+strings.ToUpper(orgID(i)), "10")
		if err != nil {
			t.Fatal(err)
		}
		if got := s.State(t, orgID(i)); got != want {
			t.Errorf("organization %d: got %s, want %s", i, got, want)
		}
		families := make(map[string]bool)
		for series := range s {
			name, _, _ := strings.Cut(series, "{")
			families[name] = true
			if other := orgID((i + 1) % 3); strings.Contains(series, other) {
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
	if got := f.sim.OrgCounts(orgID(0)).OK; got != 1 {
		t.Errorf("organization 0 was answered %d times, want once", got)
	}
	if got := f.scrape(t, "10").Link("scrape_errors_total", orgID(2)); got != "2" {
		t.Errorf("scrape_errors_total %s: a probe and a scrape failed", got)
	}
	for path, want := range map[string]int{
		"/probe":         http.StatusBadRequest,
		"/probe?target=": http.StatusBadRequest,
		"/probe?target=" + orgID(0) + "&target=" + orgID(1): http.StatusBadRequest,
		"/probe?target=" + orgID(9):                         http.StatusNotFound,
		"/probe?target=%3Cscript%3E":                        http.StatusNotFound,
	} {
		if status, body := f.page(t, path); status != want || strings.Contains(body, "<") {
			t.Errorf("%s: status %d, want %d; body %q", path, status, want, body)
		}
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 2})
	f.manager.Orgs[1].Name = "Payments"
	f.apply()
	f.sim.ResetCounts()
	external, err := url.Parse("https://exporter.example.net/om/")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name                string
		handler             http.Handler
		target              string
		host, scheme, probe string
	}{
		{"host of the request", f.exporter.Discovery(nil), "http://10.1.2.3:20301/sd", "10.1.2.3:20301", "http", "/probe"},
		{"TLS", f.exporter.Discovery(nil), "https://exporter:20301/sd", "exporter:20301", "https", "/probe"},
		{"external URL", f.exporter.Discovery(external), "http://10.1.2.3:20301/sd", "exporter.example.net", "https", "/om/probe"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			tt.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.target, nil))
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
			var groups []struct {
				Targets []string          `json:"targets"`
				Labels  map[string]string `json:"labels"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &groups); err != nil {
				t.Fatal(err)
			}
			if len(groups) != 2 {
				t.Fatalf("%d groups, want 2", len(groups))
			}
			for i, name := range []string{orgID(0), "Payments"} {
				want := map[string]string{
					"__scheme__": tt.scheme, "__metrics_path__": tt.probe, "__param_target": orgID(i), "instance": orgID(i),
					"__meta_opsmanager_org_name": name, "__meta_opsmanager_ops_manager": "production",
				}
				if !slices.Equal(groups[i].Targets, []string{tt.host}) || !maps.Equal(groups[i].Labels, want) {
					t.Errorf("group %d: %v\nwant %v", i, groups[i], want)
				}
			}
		})
	}
	if got := f.sim.Counts().Requests; got != 0 {
		t.Errorf("discovery cost %d requests", got)
	}
}

func TestLimiter(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 1})
	release := make(chan struct{})
	f.sim.SetOrg(orgID(0), simulator.Org{Answer: held(release)})
	entered := make(chan struct{}, 3)
	metrics := f.exporter.Metrics(0)
	server := httptest.NewServer(collector.Limiter(2)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		metrics.ServeHTTP(w, r)
	})))
	t.Cleanup(server.Close)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			s, err := get(t, server.URL, "10")
			if err != nil {
				t.Error(err)
				return
			}
			if got := s.State(t, orgID(0)); got != "1" {
				t.Errorf("state %s", got)
			}
		})
	}
	<-entered
	<-entered
	_, err := get(t, server.URL, "10")
	if err == nil || err.Error() != server.URL+": HTTP 503: too many scrapes in flight: try again later, or raise --web.max-requests\n" {
		t.Errorf("a third scrape: %v", err)
	}
	close(release)
	wg.Wait()
	if _, err := get(t, server.URL, "10"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
