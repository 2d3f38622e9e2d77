package statuspage_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
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
	"opsmanager_exporter/config"
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
	// The style sheet is a separate file with its own tests.
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
				"<title>1 not synced, 2 unknown, 1 not polled yet, 2 synced, migration links - opsmanager_exporter</title>",
				"<b>1</b> <span>Not synced", "<b>2</b> <span>Unknown", "<b>1</b> <span>Not polled yet", "<b>2</b> <span>Synced", "<b>6</b> <span>Organizations",
				`Last scrape <time datetime="2026-03-14T09:26:41Z" title="2026-03-14 09:26:41 UTC">12 s ago</time>; 1 of 6 <span class="stale">not scraped recently</span>`,
				`<a href="#todo-role"><span class="state unknown"><span>Unknown</span>: <code>role</code></span></a>`,
				`<time datetime="2026-03-14T06:26:53Z" title="since 2026-03-14 06:26:53 UTC; a status was last read at 2026-03-12 07:26:53 UTC">3 h ago</time>`,
				`<time datetime="2026-03-14T06:26:53Z" title="since at least 2026-03-14 06:26:53 UTC">at least 3 h ago</time>`,
				"HTTP 403 NOT_ORG_ADMIN: the API key lacks the Organization Owner role in the organization",
				`Grant the API key (api_key of Ops Manager "production") the Organization Owner role`,
				`<span class="stale"><time datetime="2026-03-14T09:20:53Z" title="2026-03-14 09:20:53 UTC">6 min ago</time></span>`,
				"1.5 s", "not known", "never", `data-label="Team"><bdi title="payments-dba">payments-dba</bdi>`, `<span class="quiet">none</span>`,
				"The last configuration reload failed", `Attempted <time datetime="2026-03-14T09:25:53Z" title="2026-03-14 09:25:53 UTC">1 min ago</time>`, "3 days ago",
				"line 3: ops_managers[0].timeout: 0s: give more than 0\nline 9: unknown key", "opsmanager_exporter/opsmanager.yml", "1.2.3",
			},
			absent: []string{"has not been scraped yet", "The last scrape was", "http-equiv", "API key</span>"},
		},
		{
			name:     "before the first scrape",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{{ID: orgID(1), Name: "Payments", OpsManager: "production"}}},
			want:     []string{"has not been scraped yet", "Configure Prometheus to scrape this exporter", "<b>1</b> <span>Organization<", "Not polled yet</span>", "Not scraped yet"},
			absent:   []string{"Last scrape", "not scraped recently", "Team"},
		},
		{
			name:     "a good reload",
			snapshot: collector.Snapshot{Reload: collector.Reload{File: "opsmanager.yml", Loaded: now(), Tried: now()}},
			want:     []string{"<dd>Succeeded</dd>", "just now", "No organizations are configured."},
			absent:   []string{"configuration failed", "Failed"},
		},
		{
			name:     "neither status nor error",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{unread}},
			want:     []string{"<b>1</b> <span>Unknown", "<b>0</b> <span>Synced", "<span>Unknown</span>: <code>bad_response</code>", "the last scrape did not read a status"},
			absent:   []string{"Not polled yet</span></a>"},
		},
		{
			name: "credentials of both kinds",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{
				{ID: orgID(1), Name: "Payments", Credentials: config.ServiceAccount}, {ID: orgID(2), Name: "Risk"},
			}},
			want: []string{
				`<bdi class="name" title="Payments (service account)">Payments</bdi> <span class="quiet">service account</span></div></th>`,
				`<bdi class="name" title="Risk (API key)">Risk</bdi> <span class="quiet">API key</span></div></th>`,
			},
		},
		{
			name: "everything is old",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{{
				ID: orgID(1), Name: "Payments", Status: opsmanager.Synced, Polled: now().Add(-2 * time.Hour),
			}}},
			want:   []string{"The last scrape was 2 h ago", "Check that Prometheus still scrapes this exporter", "not scraped recently", "&lt;1 ms"},
			absent: []string{"has not been scraped yet"},
		},
		{
			name: "a clock that was set back",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{{
				ID: orgID(1), Name: "Payments", Status: opsmanager.Synced, Polled: now().Add(time.Hour), Duration: 20 * time.Millisecond,
			}}},
			want:   []string{"just now", "20 ms"},
			absent: []string{"not scraped recently"},
		},
		{
			name: "a state that was first seen just now",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{{
				ID: orgID(1), Name: "Payments", Status: opsmanager.Synced, Polled: now(), Since: now(), AtLeast: true,
			}}},
			want:   []string{`title="since at least 2026-03-14 09:26:53 UTC">just now</time>`},
			absent: []string{"at least just now"},
		},
		{
			name:     "never read",
			snapshot: collector.Snapshot{Orgs: []collector.OrgSnapshot{polled(1, orgID(1), "", &opsmanager.Error{Reason: opsmanager.ReasonTimeout})}},
			want:     []string{`title="since 2026-03-14 06:26:53 UTC; no status has been read yet"`},
			absent:   []string{`scope="col">ID`, "Team"},
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

// A poll becomes stale after more than five minutes.
func TestStaleAfter(t *testing.T) {
	for age, want := range map[time.Duration]bool{5 * time.Minute: false, 5*time.Minute + time.Nanosecond: true} {
		o := polled(1, "Payments", opsmanager.Synced, nil)
		o.Polled = now().Add(-age)
		body := read(t, get(t, options(collector.Snapshot{Orgs: []collector.OrgSnapshot{o}}), http.MethodGet, "/"))
		if got := strings.Contains(body, "not scraped recently"); got != want {
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
		name        string
		external    *url.URL
		metrics     string
		wantMetrics string
		base        string // of the other links
	}{
		{"relative", nil, "/metrics", "./metrics", "./"},
		{"colon", nil, "/a:b", "./a:b", "./"},
		{"external", external, "/metrics", "https://example.net/opsmanager/metrics", "https://example.net/opsmanager/"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options(sample())
			o.ExternalURL, o.MetricsPath = test.external, test.metrics
			body := read(t, get(t, o, http.MethodGet, "/"))
			for text, want := range map[string]string{
				"Metrics": test.wantMetrics, "Reasons": "#reasons", "Service discovery": test.base + "sd",
				"Poll now": test.base + "probe?target=" + orgID(2) + "&debug=true", "Health": test.base + "-/healthy", "Readiness": test.base + "-/ready",
			} {
				if got := href(t, body, text); got != want {
					t.Errorf("%s leads to %q, want %q", text, got, want)
				}
			}
		})
	}
}

// Each fix is listed once, with the first few organizations that need it, and each row
// links to it.
func TestWhatToDo(t *testing.T) {
	var s collector.Snapshot
	for i := range 12 {
		err := &opsmanager.Error{Reason: opsmanager.ReasonRole, StatusCode: 401, ErrorCode: "USER_UNAUTHORIZED"}
		if i > 7 { // another response with the same fix
			err = &opsmanager.Error{Reason: opsmanager.ReasonRole, StatusCode: 403, ErrorCode: "NOT_ORG_ADMIN"}
		}
		s.Orgs = append(s.Orgs, polled(i, fmt.Sprintf("Role %02d", i), "", err))
	}
	own := polled(20, "Role of its own key", "", s.Orgs[0].Err)
	own.Advice.Fix = "Another fix."
	s.Orgs = append(s.Orgs, own, polled(21, "Down", opsmanager.NotSynced, nil), polled(22, "Up", opsmanager.Synced, nil))
	body := read(t, get(t, options(s), http.MethodGet, "/"))
	_, section, _ := strings.Cut(body, `<h2 id="todo">What to do</h2>`)
	section, _, _ = strings.Cut(section, "</section>")
	var got []string
	for _, entry := range regexp.MustCompile(`(?s)<li id="([^"]*)">.*?</li>`).FindAllStringSubmatch(section, -1) {
		text := strings.Join(strings.Fields(html.UnescapeString(tags().ReplaceAllString(entry[0], ""))), " ")
		got = append(got, fmt.Sprintf("%s: %s; %d rows", entry[1], text, strings.Count(body, `href="#`+entry[1]+`"`)))
	}
	want := []string{
		"todo-not_synced: Not synced Problem: " + s.Orgs[13].Advice.Problem + " Fix: " + opsmanager.NotSynced.Fix() + " Affects Down; 1 rows",
		"todo-role: Unknown: role Problem: " + s.Orgs[0].Advice.Problem + " Problem: " + s.Orgs[8].Advice.Problem + " Fix: " + s.Orgs[0].Advice.Fix +
			" Affects Role 00, Role 01, Role 02, Role 03, Role 04 and 7 more; 12 rows",
		"todo-role-2: Unknown: role Problem: " + own.Advice.Problem + " Fix: Another fix. Affects Role of its own key; 1 rows",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if body := read(t, get(t, options(s), http.MethodGet, "/?state=synced")); strings.Contains(body, "What to do") {
		t.Error("something to do where all is well")
	}
}

// All reasons are explained, with the anchors that alerts link to.
func TestReasons(t *testing.T) {
	body := read(t, get(t, options(collector.Snapshot{}), http.MethodGet, "/"))
	if !strings.Contains(body, `<h2 id="reasons">Reasons</h2>`) || !strings.Contains(body, `<li id="not_synced">`) {
		t.Error("no section, or not with what to do about NOT_SYNCED")
	}
	for _, r := range opsmanager.Reasons() {
		_, entry, _ := strings.Cut(body, `<li id="reason-`+string(r)+`">`)
		entry, _, _ = strings.Cut(entry, "</li>")
		entry = html.UnescapeString(entry)
		if !strings.Contains(entry, r.Meaning()) || !strings.Contains(entry, r.Fix()) {
			t.Errorf("%s: %s", r, entry)
		}
	}
}

// All link targets within the page exist, once.
func TestAnchors(t *testing.T) {
	for name, s := range map[string]collector.Snapshot{"sample": sample(), "hostile": hostile(), "fleet": fleet(60), "nothing": {}} {
		body := read(t, get(t, options(s), http.MethodGet, "/"))
		seen := make(map[string]bool)
		for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(body, -1) {
			if seen[id[1]] {
				t.Errorf("%s: %s is there twice", name, id[1])
			}
			seen[id[1]] = true
		}
		for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(body, -1) {
			if !seen[link[1]] {
				t.Errorf("%s: nothing at #%s", name, link[1])
			}
		}
	}
}

// Absolute times are only in tooltips.
func TestNoAbsoluteTimes(t *testing.T) {
	_, body, _ := strings.Cut(read(t, get(t, options(sample()), http.MethodGet, "/")), "<body>")
	if text := tags().ReplaceAllString(body, ""); strings.Contains(text, "2026") || strings.Contains(text, "UTC") {
		t.Error(text)
	}
}

// tags matches the tags of a document.
func tags() *regexp.Regexp { return regexp.MustCompile(`<[^>]*>`) }
