package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
)

// The debug text of a probe contains each step with its time, and no secrets.
func TestDebug(t *testing.T) {
	t.Parallel()
	f := start(t, 5, web.Options{Page: http.NotFoundHandler()})
	f.sim.SetOrg(simulated.OrgID(1), simulator.Org{Answer: simulator.MissingRole(false)})
	f.sim.SetOrg(simulated.OrgID(2), simulator.Org{Answer: simulator.HTML(200)})
	f.sim.SetOrg(simulated.OrgID(3), simulator.Org{Answer: simulator.Reset()})
	// Echoes what it received wherever possible.
	f.sim.SetOrg(simulated.OrgID(4), simulator.Org{Answer: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.Header.Get("Authorization"))
		w.Header().Set("X-MongoDB-Service-Version", "versionString="+r.Header.Get("Authorization"))
		fmt.Fprintf(w, `{"status": %q, %q: 1}`, r.Header.Get("Authorization"), simulated.PublicKey)
	}})
	steps := func(more ...string) string {
		return strings.Join(slices.Concat([]string{
			`polling organization \S+ \((Payments, team payments-dba|\w{24})\) of Ops Manager production at http://127\.0\.0\.1:\d+`,
			`probe deadline 10s, poll timeout 5s, max_concurrent_requests 16`,
			`acquired a request slot`,
		}, more, []string{
			`status page: http://` + regexp.QuoteMeta(f.host) + `/`,
		}), "\n") + "\n"
	}
	const warm = "request with digest credentials\n  reused connection to 127\\.0\\.0\\.1:\\d+, idle for \\S+"
	tests := []struct {
		name string
		org  int
		want string
	}{
		{"first contact", 0, steps(`request without credentials`, `  connect to 127\.0\.0\.1:\d+`, `  connected to 127\.0\.0\.1:\d+`,
			`  HTTP 401, 106 bytes: a digest challenge`, warm, `  HTTP 200, 20 bytes: a response`,
			`body: a JSON object with 1 member, status is a string`, `result: SYNCED`)},
		{"missing role", 1, steps(warm, `  HTTP 401, 151 bytes: no digest challenge that can be answered`,
			`result: unknown, reason role: HTTP 401 USER_UNAUTHORIZED`, `fix: Grant the API key .*`)},
		{"login page", 2, steps(warm, `  HTTP 200, \d+ bytes: a response`, `body: not JSON; it looks like HTML`,
			`result: unknown, reason bad_response: HTTP 200: the body is not a single JSON value`, `fix: .*`)},
		{"reset", 3, steps(warm, `  the reused connection broke; retrying on a new one`, `request with digest credentials`,
			`  connect to \S+`, `  connected to \S+`, `result: unknown, reason connect: .*`, `fix: .*`)},
		{"echo", 4, steps(`request with digest credentials`, `  connect to \S+`, `  connected to \S+`, `  HTTP 200, \d+ bytes: a response`, `body: a JSON object with 2 members, status is a string`,
			`result: unknown, reason unknown_status: .*`, `fix: .*`)},
	}
	times := regexp.MustCompile(`(?m)^ *\d+\.\d{3}s  `)
	for _, tt := range tests {
		status, body := f.get(t, "/probe?debug=true&target="+simulated.OrgID(tt.org))
		if status != http.StatusOK {
			t.Errorf("%s: status %d", tt.name, status)
		}
		if lines := strings.Count(body, "\n"); len(times.FindAllString(body, -1)) != lines {
			t.Errorf("%s: not every line has a time:\n%s", tt.name, body)
		}
		if got := times.ReplaceAllString(body, ""); !regexp.MustCompile("^" + tt.want + "$").MatchString(got) {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
		for _, secret := range []string{simulated.PublicKey, simulated.PrivateKey, "nonce=", "response=", "cnonce"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s: the text holds %q:\n%s", tt.name, secret, body)
			}
		}
	}
}

// The debug text contains the URL of the status page, as the client reaches it.
func TestWayBack(t *testing.T) {
	t.Parallel()
	external := &url.URL{Scheme: "https", Host: "exporter.example.net", Path: "/om/"}
	page := http.NotFoundHandler()
	tests := []struct {
		name         string
		opts         web.Options
		target, want string
	}{
		{"host of the request", web.Options{Page: page}, "http://10.1.2.3:20301/probe", "http://10.1.2.3:20301/"},
		{"TLS", web.Options{Page: page}, "https://exporter:20301/probe", "https://exporter:20301/"},
		{"prefix", web.Options{Page: page, RoutePrefix: "/a b"}, "http://exporter/a%20b/probe", "http://exporter/a%20b/"},
		{"external URL", web.Options{Page: page, ExternalURL: external}, "http://exporter/om/probe", "https://exporter.example.net/om/"},
		{"external URL, prefix taken off", web.Options{Page: page, ExternalURL: external, RoutePrefix: "/"}, "http://exporter/probe", "https://exporter.example.net/om/"},
		{"no page", web.Options{}, "http://exporter/probe", ""},
	}
	for _, tt := range tests {
		f := start(t, 1, tt.opts)
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.target+"?debug=true&target="+simulated.OrgID(0), nil))
		_, got, _ := strings.Cut(w.Body.String(), "status page: ")
		if got = strings.TrimSuffix(got, "\n"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
