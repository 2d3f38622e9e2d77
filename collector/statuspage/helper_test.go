package statuspage_test

import (
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/statuspage"
	"opsmanager_exporter/config"
)

var update = flag.Bool("update", false, "write the golden file anew")

// now returns the time of all requests in the tests.
func now() time.Time { return time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC) }

func orgID(i int) string { return fmt.Sprintf("5f1e9c2b8d3a4e00%08x", i) }

// polled returns an organization that was polled 12 s ago and has been in the same
// state for 3 hours.
func polled(i int, name string, status opsmanager.Status, err error) collector.OrgSnapshot {
	o := collector.OrgSnapshot{
		ID: orgID(i), Name: name, OpsManager: "production", Status: status, Err: err,
		Polled: now().Add(-12 * time.Second), Since: now().Add(-3 * time.Hour), Duration: 1500 * time.Millisecond,
	}
	switch {
	case err != nil:
		manager := &config.OpsManager{Name: "production", URL: &url.URL{Scheme: "https", Host: "om.example.net"}, Timeout: 5 * time.Second}
		o.Advice = advice.Of(advice.Trouble{Err: err, At: o.Polled, Manager: manager})
	case status == opsmanager.NotSynced:
		o.Advice = advice.OfNotSynced()
		fallthrough
	default:
		o.LastSuccess = o.Polled
	}
	return o
}

// sample returns organizations in all states, and a reload that failed.
func sample() collector.Snapshot {
	role := polled(3, "Billing", "", &opsmanager.Error{Reason: opsmanager.ReasonRole, StatusCode: 403, ErrorCode: "NOT_ORG_ADMIN"})
	role.LastSuccess = now().Add(-50 * time.Hour)
	access := polled(4, "Shipping", "", &opsmanager.Error{
		Reason: opsmanager.ReasonAccessList, StatusCode: 403, ErrorCode: "IP_ADDRESS_NOT_ON_ACCESS_LIST",
		Address: netip.MustParseAddr("192.0.2.17"),
	})
	access.Since, access.Team = time.Time{}, "commerce-dba"
	down := polled(2, "Risk", opsmanager.NotSynced, nil)
	down.AtLeast, down.Team, down.OpsManager = true, "payments-dba", "opsmanager.example.net:8443"
	old := polled(6, "Archive", opsmanager.Synced, nil)
	old.Polled = now().Add(-6 * time.Minute)
	unnamed := collector.OrgSnapshot{ID: orgID(5), Name: orgID(5), OpsManager: "staging"}
	return collector.Snapshot{
		Orgs: []collector.OrgSnapshot{
			polled(1, "Payments", opsmanager.Synced, nil), down, role, access, unnamed, old,
		},
		Reload: collector.Reload{
			File: "/etc/opsmanager_exporter/opsmanager.yml", Loaded: now().Add(-72 * time.Hour), Tried: now().Add(-time.Minute),
			Err: errors.New("line 3: ops_managers[0].timeout: 0s: give more than 0\nline 9: unknown key \"org\": did you mean orgs?"),
		},
	}
}

// wide returns 60 organizations, 25 of which have problems, with texts of the largest
// usual width.
func wide() collector.Snapshot {
	s := fleet(60)
	for i := range s.Orgs {
		o := &s.Orgs[i]
		if i >= 38 && o.Status != opsmanager.Synced {
			*o = polled(i, o.Name, opsmanager.Synced, nil)
		}
		if o.Err != nil {
			*o = polled(i, o.Name, "", &opsmanager.Error{Reason: opsmanager.ReasonUnknownStatus, StatusCode: 200})
		}
		o.OpsManager, o.Team, o.AtLeast = "opsmanager.example.net:8443", "payments-dba", true
		o.Since = now().Add(-47 * time.Hour)
		o.Credentials = config.ServiceAccount
	}
	return s
}

// hostile returns organizations with texts that try to break out of the page.
func hostile() collector.Snapshot {
	far := polled(5, "Far away", opsmanager.NotSynced, nil)
	far.OpsManager = strings.Repeat("opsmanager.", 10) + "example.net:8443"
	far.Team = strings.Repeat("Unbreakable", 9)
	return collector.Snapshot{
		Orgs: []collector.OrgSnapshot{
			polled(1, `<script>alert("1")</script>`, opsmanager.Synced, nil),
			polled(2, `" onmouseover='alert(2)' x="`, opsmanager.NotSynced, nil),
			polled(3, "\u202egnitfihs \u05d0\u05e8\u05d2\u05d5\u05df", "", errors.New(`</p><img src=x onerror="alert(3)"> {{.}}`)),
			polled(4, strings.Repeat("Unbreakable", 30), "", errors.New(strings.Repeat("x", 400))),
			far,
		},
		Reload: collector.Reload{File: `<b>&"'`, Err: errors.New("</pre><script>alert(4)</script>" + strings.Repeat("y", 300))},
	}
}

// options returns options for a page that shows a snapshot.
func options(s collector.Snapshot) statuspage.Options {
	return statuspage.Options{
		Snapshot: func() *collector.Snapshot { return &s }, MetricsPath: "/metrics", Version: "1.2.3", Now: now,
	}
}

// get requests path from a page with these options.
func get(t testing.TB, o statuspage.Options, method, path string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	statuspage.New(o).ServeHTTP(w, httptest.NewRequest(method, path, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w.Result()
}

// read returns the body of a response.
func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// names returns the names in the table, in order.
func names(body string) []string {
	var found []string
	for _, m := range regexp.MustCompile(`<bdi class="name"[^>]*>(.*?)</bdi>`).FindAllStringSubmatch(body, -1) {
		found = append(found, html.UnescapeString(m[1]))
	}
	return found
}

// href returns the URL of the link with that text, or "" if there is none.
func href(t *testing.T, body, text string) string {
	t.Helper()
	m := regexp.MustCompile(`href="([^"]*)">` + regexp.QuoteMeta(text)).FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	address := html.UnescapeString(m[1])
	if _, err := url.Parse(address); err != nil {
		t.Error(err)
	}
	return address
}
