package web_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
	"opsmanager_exporter/config"
)

func TestSD(t *testing.T) {
	t.Parallel()
	exporter := collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	t.Cleanup(exporter.Close)
	sim, manager := simulated.OpsManager(t, simulator.Options{}, 2)
	manager.Orgs[1].Name, manager.Orgs[1].Team = "Payments", "payments-dba"
	exporter.Apply(&config.Config{OpsManagers: []config.OpsManager{manager}})
	external, err := url.Parse("https://exporter.example.net/om/")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name                string
		external            *url.URL
		prefix              string
		target              string
		host, scheme, probe string
	}{
		{"host of the request", nil, "", "http://10.1.2.3:20301/sd", "10.1.2.3:20301", "http", "/probe"},
		{"TLS", nil, "", "https://exporter:20301/sd", "exporter:20301", "https", "/probe"},
		{"host of the request, prefix", nil, "/om", "http://10.1.2.3:20301/om/sd", "10.1.2.3:20301", "http", "/om/probe"},
		{"external URL", external, "", "http://10.1.2.3:20301/om/sd", "exporter.example.net", "https", "/om/probe"},
		{"external URL, prefix taken off", external, "/", "http://10.1.2.3:20301/sd", "exporter.example.net", "https", "/om/probe"},
		{"external URL, another prefix", external, "b/", "http://10.1.2.3:20301/b/sd", "exporter.example.net", "https", "/om/probe"},
		{"host with quotes", nil, "", "http://10.1.2.3:20301/sd", `a"\b`, "http", "/probe"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.target, nil)
			if tt.external == nil {
				r.Host = tt.host
			}
			web.New(web.Options{Exporter: exporter, ExternalURL: tt.external, RoutePrefix: tt.prefix}).ServeHTTP(w, r)
			if got, want := w.Header().Get("Content-Length"), strconv.Itoa(w.Body.Len()); got != want {
				t.Errorf("Content-Length %s, want %s", got, want)
			}
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
			for i, name := range []string{simulated.OrgID(0), "Payments"} {
				want := map[string]string{
					"__scheme__": tt.scheme, "__metrics_path__": tt.probe, "__param_target": simulated.OrgID(i), "instance": simulated.OrgID(i),
					"__meta_opsmanager_org_name": name, "__meta_opsmanager_ops_manager": "production",
				}
				if name == "Payments" {
					want["__meta_opsmanager_team"] = "payments-dba"
				}
				if !slices.Equal(groups[i].Targets, []string{tt.host}) || !maps.Equal(groups[i].Labels, want) {
					t.Errorf("group %d: %v\nwant %v", i, groups[i], want)
				}
			}
		})
	}
	if got := sim.Counts().Requests; got != 0 {
		t.Errorf("discovery cost %d requests", got)
	}
}

// Responses do not mix the requests of different clients, and reflect a reload immediately.
func TestSDIsOfTheRequest(t *testing.T) {
	t.Parallel()
	exporter := collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	t.Cleanup(exporter.Close)
	handler := web.New(web.Options{Exporter: exporter})
	get := func(target string) (status int, body string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		return w.Code, w.Body.String()
	}
	if _, body := get("http://a/sd"); body != "[]" {
		t.Errorf("without organizations: %s", body)
	}
	_, manager := simulated.OpsManager(t, simulator.Options{}, 2)
	for n := 1; n <= 2; n++ {
		config := config.Config{OpsManagers: []config.OpsManager{manager}}
		config.OpsManagers[0].Orgs = manager.Orgs[:n]
		exporter.Apply(&config)
		for _, target := range []string{"http://a", "https://b:1", "http://a"} {
			scheme, host, _ := strings.Cut(target, "://")
			status, body := get(target + "/sd")
			if status != http.StatusOK || !json.Valid([]byte(body)) ||
				strings.Count(body, `"targets":["`+host+`"]`) != n || strings.Count(body, `"__scheme__":"`+scheme+`"`) != n {
				t.Errorf("%d organizations, %s: status %d, %s", n, target, status, body)
			}
		}
	}
	if status, _ := get("http://" + strings.Repeat("x", 300) + "/sd"); status != http.StatusOK {
		t.Errorf("the longest host: status %d", status)
	}
	if status, body := get("http://" + strings.Repeat("x", 301) + "/sd"); status != http.StatusBadRequest || len(body) > 100 {
		t.Errorf("a long host: status %d, %d bytes", status, len(body))
	}
}
