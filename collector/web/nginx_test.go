package web_test

import (
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/statuspage"
	"opsmanager_exporter/collector/testkit/realproxy"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
	"opsmanager_exporter/config"
)

// Below a path of a real nginx, every link and every discovered target works, whether
// or not nginx strips the path.
func TestBehindNginx(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		strip    string
		external bool
		prefix   string
	}{
		{"path passed on, external URL", "", true, ""},
		{"path passed on, prefix", "", false, "/om"},
		{"path taken off, external URL", "/om", true, "/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var handler atomic.Pointer[http.Handler] // nginx must be running first, because the handler needs its address
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if h := handler.Load(); h != nil {
					(*h).ServeHTTP(w, r)
				}
			}))
			t.Cleanup(server.Close)
			proxy := realproxy.StartNginx(t, realproxy.Options{BackEnds: []string{server.URL}, StripPrefix: tt.strip})
			base, err := url.Parse(proxy + "/om/")
			if err != nil {
				t.Fatal(err)
			}
			h := exporterBelow(t, base, tt.external, tt.prefix)
			handler.Store(&h)

			page := read(t, base, "")
			links := regexp.MustCompile(`href="([^"#?][^"]*)"`).FindAllStringSubmatch(page, -1)
			if len(links) != 2+5 { // two debug probes, and those in the header, the notice and the footer
				t.Fatalf("%d links on\n%s", len(links), page)
			}
			for _, link := range links {
				read(t, base, html.UnescapeString(link[1]))
			}
			if got := read(t, base, "../om"); !strings.Contains(got, "<h1>Migration links</h1>") {
				t.Errorf("/om answers %s", got)
			}
			if !strings.Contains(read(t, base, "metrics"), simulated.OrgID(0)) {
				t.Error("no metrics")
			}
			var groups []struct {
				Targets []string
				Labels  map[string]string
			}
			if err := json.Unmarshal([]byte(read(t, base, "sd")), &groups); err != nil || len(groups) != 2 {
				t.Fatalf("%d groups, %v", len(groups), err)
			}
			for _, g := range groups {
				target := url.URL{
					Scheme: g.Labels["__scheme__"], Host: g.Targets[0], Path: g.Labels["__metrics_path__"],
					RawQuery: url.Values{"target": {g.Labels["__param_target"]}}.Encode(),
				}
				if !strings.HasPrefix(target.String(), base.String()) {
					t.Errorf("target %s is not below %s", &target, base)
				}
				if got := read(t, &target, ""); !strings.Contains(got, `opsmanager_migration_link_synced{org_id="`+g.Labels["instance"]+`"} 1`) {
					t.Errorf("%s answers %s", &target, got)
				}
			}
		})
	}
}

// exporterBelow returns an exporter with two organizations that users reach at base.
func exporterBelow(t *testing.T, base *url.URL, external bool, prefix string) http.Handler {
	t.Helper()
	_, manager := simulated.OpsManager(t, simulator.Options{}, 2)
	e := collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	t.Cleanup(e.Close)
	e.Apply(&config.Config{OpsManagers: []config.OpsManager{manager}})
	opts := web.Options{Exporter: e, RoutePrefix: prefix}
	if external {
		opts.ExternalURL = base
	}
	opts.Page = statuspage.New(statuspage.Options{Snapshot: e.Snapshot, MetricsPath: "/metrics", ExternalURL: opts.ExternalURL})
	return web.New(opts)
}

// read returns the target of a link, relative to base.
func read(t *testing.T, base *url.URL, link string) string {
	t.Helper()
	u, err := base.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: status %d, %v: %s", u, resp.StatusCode, err, body)
	}
	return string(body)
}
