package statuspage_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
)

func TestHeaders(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		resp := get(t, options(sample()), method, "/")
		for name, want := range map[string]string{
			"Content-Type":           "text/html; charset=utf-8",
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy":        "no-referrer",
			"Cache-Control":          "no-store",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", method, name, got, want)
			}
		}
		if resp.ContentLength < 1000 {
			t.Errorf("%s: Content-Length: %d", method, resp.ContentLength)
		}
	}
	if body := read(t, get(t, options(sample()), http.MethodHead, "/")); body != "" {
		t.Errorf("HEAD has a body: %s", body)
	}
}

func TestContentSecurityPolicy(t *testing.T) {
	resp := get(t, options(sample()), http.MethodGet, "/")
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(read(t, resp), -1)
	if len(styles) != 1 {
		t.Fatalf("%d style sheets, want 1", len(styles))
	}
	hash := sha256.Sum256([]byte(styles[0][1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	if got := resp.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("Content-Security-Policy: %s\nwant %s", got, want)
	}
}

func TestGolden(t *testing.T) {
	got := read(t, get(t, options(sample()), http.MethodGet, "/"))
	// The style sheet is a file of its own, and has its own tests.
	got = regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(got, "<style></style>")
	golden := filepath.Join("testdata", "page.html")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the page is unlike %s; if it should be, run go test ./collector/statuspage -update and look at the difference", golden)
	}
}

func TestWords(t *testing.T) {
	unread := polled(9, "Unread", "", nil)
	tests := []struct {
		name     string
		snapshot collector.Snapshot
		want     []string
		absent   []string
	}{
		{
			name: "all states", snapshot: sample(),
			want: []string{
				"<title>1 not synced, 2 unknown, 1 not polled yet, 2 synced, migration links</title>",
				"<b>1</b> Not synced", "<b>2</b> Unknown", "<b>1</b> Not polled yet", "<b>2</b> Synced",
				`Last scrape: 12 s ago (<time datetime="2026-03-14T09:26:41Z">2026-03-14 09:26:41 UTC</time>)`,
				"Unknown: <code>role</code>", "HTTP 403 NOT_ORG_ADMIN", opsmanager.ReasonRole.Fix(),
				"A status was last read 2 days ago", "No status was read so far.",
				"took 1.5 s", "Not known", "Not scraped lately</span> 1 of them",
				"The last reload of the configuration failed", "Tried 1 min ago", "loaded 3 days ago",
				"line 3: ops_managers[0].timeout: 0s: give more than 0\nline 9: unknown key", "opsmanager_exporter/opsmanager.yml", "1.2.3",
			},
			absent: []string{"Nothing was scraped yet", "The last scrape was"},
		},
		{
			name:     "before the first scrape",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{{ID: orgID(1), Name: "Payments", OpsManager: "production"}}},
			want:     []string{"Nothing was scraped yet", "Have Prometheus scrape this exporter", "1 organization<", "Not polled yet</span>"},
			absent:   []string{"Last scrape:", "Not scraped lately"},
		},
		{
			name:     "a good reload",
			snapshot: collector.Snapshot{Reload: collector.Reload{File: "opsmanager.yml", Loaded: now(), Tried: now()}},
			want:     []string{"<dd>Succeeded</dd>", "just now", "No organization is configured."},
			absent:   []string{"failed", "Failed"},
		},
		{
			name:     "neither status nor error",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{unread}},
			want:     []string{"<b>1</b> Unknown", "<b>0</b> Synced", "Unknown: <code>bad_response</code>", "The last scrape read no status."},
		},
		{
			name: "everything is old",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{{
				ID: orgID(1), Name: "Payments", Status: opsmanager.Synced, Polled: now().Add(-2 * time.Hour),
			}}},
			want:   []string{"The last scrape was 2 h ago", "See whether Prometheus still scrapes this exporter", "Not scraped lately", "took under 1 ms"},
			absent: []string{"Nothing was scraped yet"},
		},
		{
			name: "a clock that was set back",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{{
				ID: orgID(1), Name: "Payments", Status: opsmanager.Synced, Polled: now().Add(time.Hour), Duration: 20 * time.Millisecond,
			}}},
			want:   []string{"just now", "took 20 ms"},
			absent: []string{"Not scraped lately"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := read(t, get(t, options(test.snapshot), http.MethodGet, "/"))
			for _, want := range test.want {
				if !strings.Contains(strings.ReplaceAll(body, "&#34;", `"`), strings.ReplaceAll(want, "'", "&#39;")) {
					t.Errorf("not on the page: %s", want)
				}
			}
			for _, absent := range test.absent {
				if strings.Contains(body, absent) {
					t.Errorf("on the page: %s", absent)
				}
			}
		})
	}
}

// What is five minutes old is not old yet.
func TestStaleAfter(t *testing.T) {
	for age, want := range map[time.Duration]bool{5 * time.Minute: false, 5*time.Minute + time.Nanosecond: true} {
		o := polled(1, "Payments", opsmanager.Synced, nil)
		o.Polled = now().Add(-age)
		body := read(t, get(t, options(collector.Snapshot{Orgs: []collector.OrgSnapshot{o}}), http.MethodGet, "/"))
		if got := strings.Contains(body, "Not scraped lately"); got != want {
			t.Errorf("polled %s ago: marked %t, want %t", age, got, want)
		}
	}
}

func TestEscaping(t *testing.T) {
	query := url.Values{"q": {`"><script>alert(5)</script>`}, "state": {`"><script>alert(6)</script>`}, "page": {"<script>"}}
	for _, path := range []string{"/", "/?" + query.Encode(), "/?q=%ff%22"} {
		body := read(t, get(t, options(hostile()), http.MethodGet, path))
		for _, bad := range []string{"<script", "<img", `" onmouseover`, "</pre><", "\xff"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s: on the page: %s", path, bad)
			}
		}
	}
	body := read(t, get(t, options(hostile()), http.MethodGet, "/"))
	for _, o := range hostile().Orgs {
		if !slices.Contains(names(body), o.Name) {
			t.Errorf("not in the table: %s", o.Name)
		}
	}
}

func TestLinks(t *testing.T) {
	external := &url.URL{Scheme: "https", Host: "example.net", Path: "/opsmanager/"}
	tests := []struct {
		name                   string
		external               *url.URL
		metrics                string
		wantMetrics, wantProbe string
		wantHealth             string
	}{
		{"relative", nil, "/metrics", "./metrics", "./probe?target=" + orgID(2) + "&debug=true", "./-/healthy"},
		{"colon", nil, "/a:b", "./a:b", "./probe?target=" + orgID(2) + "&debug=true", "./-/healthy"},
		{
			"external", external, "/metrics", "https://example.net/opsmanager/metrics",
			"https://example.net/opsmanager/probe?target=" + orgID(2) + "&debug=true", "https://example.net/opsmanager/-/healthy",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options(sample())
			o.ExternalURL, o.MetricsPath = test.external, test.metrics
			body := read(t, get(t, o, http.MethodGet, "/"))
			for text, want := range map[string]string{"Metrics": test.wantMetrics, "Poll now": test.wantProbe, "Health": test.wantHealth} {
				if got := href(t, body, text); got != want {
					t.Errorf("%s leads to %q, want %q", text, got, want)
				}
			}
		})
	}
}
