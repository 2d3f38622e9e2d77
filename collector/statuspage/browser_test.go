package statuspage_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/demo"
	"opsmanager_exporter/collector/statuspage"
	"opsmanager_exporter/collector/testkit/ci"
)

// dump loads a page into Chromium and returns the document once it has settled, and the
// output of Chromium.
func dump(t *testing.T, address string, args ...string) (dom, console string) {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if err != nil {
		ci.Missing(t, "chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
		"--user-data-dir=" + t.TempDir(), "--enable-logging=stderr", "--virtual-time-budget=30000", "--dump-dom",
	}, append(args, address)...)
	var out, errOut strings.Builder
	cmd := exec.CommandContext(ctx, browser, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.WaitDelay = 5 * time.Second // its children may keep the pipes open
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", browser, err, errOut.String())
	}
	return out.String(), errOut.String()
}

// demoSnapshot returns the snapshot after one scrape of the demo.
func demoSnapshot(t *testing.T) collector.Snapshot {
	t.Helper()
	d, err := demo.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	exporter := collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	defer exporter.Close()
	exporter.Apply(d.Config)
	if _, ok := exporter.Targets().Poll(t.Context(), nil); !ok {
		t.Fatal("the scrape was cancelled")
	}
	return *exporter.Snapshot()
}

// A browser shows the states of the demo, and the page does not violate its own
// Content-Security-Policy.
func TestBrowser(t *testing.T) {
	s := demoSnapshot(t)
	requests := make(chan string, 100)
	o := options(s)
	o.Now = time.Now
	page := statuspage.New(o)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.URL.Path
		page.ServeHTTP(w, r)
	}))
	defer server.Close()
	dom, console := dump(t, server.URL)
	states := map[string]string{
		"Payments": "Synced</span>",
		"Risk":     "Not synced</span>",
		"Orders":   "(Synced|Not synced)</span>", // changes every minute
		"Billing":  "Unknown</span>: <code>role</code>",
		"Shipping": "Unknown</span>: <code>access_list</code>",
		"Archive":  "Unknown</span>: <code>timeout</code>",
		"Catalog":  "Unknown</span>: <code>unknown_status</code>",
		"Search":   "Unknown</span>: <code>unauthorized</code>",
	}
	rows := regexp.MustCompile(`(?s)<tr role="row">\n<th role="rowheader".*?</tr>`).FindAllString(dom, -1)
	if len(rows) != len(states) {
		t.Fatalf("%d rows, want %d:\n%s", len(rows), len(states), dom)
	}
	for _, row := range rows {
		name := names(row)[0]
		if !regexp.MustCompile(`class="state \w+"><span>` + states[name] + `</span>`).MatchString(row) {
			t.Errorf("%s: want the state %s:\n%s", name, states[name], row)
		}
	}
	if strings.Contains(console, "CONSOLE") {
		t.Errorf("the browser complains:\n%s", console)
	}
	close(requests)
	for path := range requests {
		if path != "/" {
			t.Errorf("the browser asked for %s too", path)
		}
	}
}

// With refresh on, the page reloads itself with the same query. From the second request
// on, the test serves it without refresh, so that the browser settles.
func TestBrowserReloads(t *testing.T) {
	const path = "/?refresh=30&sort=name"
	var asked atomic.Int64
	page := statuspage.New(options(sample()))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() == path && asked.Add(1) > 1 {
			r.URL.RawQuery = ""
		}
		page.ServeHTTP(w, r)
	}))
	defer server.Close()
	dump(t, server.URL+path, "--virtual-time-budget=40000")
	if got := asked.Load(); got != 2 {
		t.Errorf("%d requests for %s in 40 s, want 2", got, path)
	}
}
