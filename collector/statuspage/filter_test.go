package statuspage_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/statuspage"
)

func TestSortAndFilter(t *testing.T) {
	s := sample()
	s.Orgs = append(s.Orgs, polled(7, "ΟΔΟΣ", opsmanager.Synced, nil), polled(8, "archive of old", opsmanager.NotSynced, nil))
	all := []string{"archive of old", "Risk", "Billing", "Shipping", orgID(5), "Archive", "Payments", "ΟΔΟΣ"}
	tests := []struct {
		query string
		want  []string
	}{
		{"", all},
		{"?state=all&q=&page=", all},
		{"?state=nonsense&page=-3", all},
		{"?state=synced", []string{"Archive", "Payments", "ΟΔΟΣ"}},
		{"?state=SYNCED", []string{"Archive", "Payments", "ΟΔΟΣ"}},
		{"?state=not_synced", []string{"archive of old", "Risk"}},
		{"?state=unknown", []string{"Billing", "Shipping"}},
		{"?state=not_polled", []string{orgID(5)}},
		{"?state=access_list", []string{"Shipping"}},
		{"?state=timeout", nil},
		{"?q=aRcHiVe", []string{"archive of old", "Archive"}},
		{"?q=+archive+&state=synced", []string{"Archive"}},
		{"?q=οδος", []string{"ΟΔΟΣ"}},
		{"?q=STAGING", []string{orgID(5)}},
		{"?q=Commerce-DBA", []string{"Shipping"}},
		{"?q=example.net:8443", []string{"Risk"}},
		{"?q=" + strings.ToUpper(orgID(3)), []string{"Billing"}},
		{"?q=nobody", nil},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			body := read(t, get(t, options(s), http.MethodGet, "/"+test.query))
			if got := names(body); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
			if none := strings.Contains(body, "No organizations match."); none != (test.want == nil) {
				t.Errorf("says that nothing matches: %t", none)
			}
			// The counts include all organizations, whatever the filter.
			if !strings.Contains(body, "<b>2</b> <span>Not synced</span>") || !strings.Contains(body, "<b>8</b> <span>Organizations</span>") {
				t.Error("the headline changed")
			}
		})
	}
}

// The form shows the current filter.
func TestFormKeepsFilter(t *testing.T) {
	body := read(t, get(t, options(sample()), http.MethodGet, "/?q=+Ship%22&state=timeout&sort=-since&refresh=30"))
	for _, want := range []string{
		`value="Ship&#34;"`, `<option value="timeout" selected>timeout (0)</option>`,
		`<input type="hidden" name="sort" value="-since">`, `<input type="hidden" name="refresh" value="30">`,
		`<a href="?refresh=30&amp;sort=-since">Show all</a>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("not on the page: %s", want)
		}
	}
	if body := read(t, get(t, options(sample()), http.MethodGet, "/")); strings.Contains(body, `type="hidden"`) {
		t.Error("the form adds what nobody asked for")
	}
}

// Each column sorts the table, and in the opposite direction when clicked again.
func TestOrder(t *testing.T) {
	s := collector.Snapshot{Orgs: []collector.OrgSnapshot{
		polled(1, "Payments", opsmanager.Synced, nil), polled(2, "risk", opsmanager.NotSynced, nil),
		polled(3, "Billing", "", &opsmanager.Error{Reason: opsmanager.ReasonRole}),
		{ID: orgID(4), Name: "New", OpsManager: "production"},
		polled(5, "Archive", opsmanager.Synced, nil),
	}}
	payments, risk, billing, archive := &s.Orgs[0], &s.Orgs[1], &s.Orgs[2], &s.Orgs[4]
	payments.OpsManager, risk.OpsManager = "Lab", "staging"
	payments.Team, billing.Team = "payments-dba", "Commerce-DBA"
	risk.Since, payments.Since = now().Add(-time.Hour), now().Add(-5*time.Hour)
	archive.Polled = now().Add(-time.Hour)
	billing.Duration, risk.Duration = 10*time.Second, time.Millisecond
	usual := []string{"risk", "Billing", "New", "Archive", "Payments"}
	tests := []struct {
		sort   string
		want   []string
		column string // marked as sorted
		sorted string
		next   string // link of its header
	}{
		{"", usual, "State", "ascending", "?sort=-state"},
		{"state", usual, "State", "ascending", "?sort=-state"},
		{"nonsense", usual, "State", "ascending", "?sort=-state"},
		{"-", usual, "State", "ascending", "?sort=-state"},
		{"-state", []string{"Archive", "Payments", "New", "Billing", "risk"}, "State", "descending", "?"},
		{"name", []string{"Archive", "Billing", "New", "Payments", "risk"}, "Organization", "ascending", "?sort=-name"},
		{"-name", []string{"risk", "Payments", "New", "Billing", "Archive"}, "Organization", "descending", "?sort=name"},
		{"ops_manager", []string{"Payments", "Billing", "New", "Archive", "risk"}, "Ops Manager", "ascending", "?sort=-ops_manager"},
		{"team", []string{"Billing", "Payments", "risk", "New", "Archive"}, "Team", "ascending", "?sort=-team"},
		{"-team", []string{"Payments", "Billing", "risk", "New", "Archive"}, "Team", "descending", "?sort=team"},
		{"since", []string{"Payments", "Billing", "Archive", "risk", "New"}, "Since", "ascending", "?sort=-since"},
		{"-since", []string{"risk", "Billing", "Archive", "Payments", "New"}, "Since", "descending", "?sort=since"},
		{"polled", []string{"Archive", "risk", "Billing", "Payments", "New"}, "Last poll", "ascending", "?sort=-polled"},
		{"-took", []string{"Billing", "Archive", "Payments", "risk", "New"}, "Duration", "descending", "?sort=took"},
	}
	for _, test := range tests {
		t.Run(test.sort, func(t *testing.T) {
			body := read(t, get(t, options(s), http.MethodGet, "/?sort="+test.sort))
			if got := names(body); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
			marked := regexp.MustCompile(`aria-sort="(\w+)"><a href="([^"]*)">([^<]*)</a>`).FindAllStringSubmatch(body, -1)
			if len(marked) != 1 || marked[0][1] != test.sorted || marked[0][2] != test.next || marked[0][3] != test.column {
				t.Errorf("marked %q, want %q to be %s and to lead to %s", marked, test.column, test.sorted, test.next)
			}
		})
	}
	// The order applies to filtered links too.
	body := read(t, get(t, options(s), http.MethodGet, "/?sort=-name&state=synced"))
	if got, want := names(body), []string{"Payments", "Archive"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Links that change the view keep the rest of the query.
func TestLinksKeepQuery(t *testing.T) {
	o := options(fleet(60))
	o.PageSize = 10
	body := read(t, get(t, o, http.MethodGet, "/?q=ORG&state=unknown&sort=-name&refresh=30&page=2"))
	for text, want := range map[string]string{
		"Reload":                     "?page=2&q=ORG&refresh=30&sort=-name&state=unknown",
		"off":                        "?page=2&q=ORG&sort=-name&state=unknown",
		"Previous page":              "?q=ORG&refresh=30&sort=-name&state=unknown",
		"Organization":               "?q=ORG&refresh=30&sort=name&state=unknown",
		"State":                      "?q=ORG&refresh=30&state=unknown",
		"Since":                      "?q=ORG&refresh=30&sort=since&state=unknown",
		"Show all":                   "?refresh=30&sort=-name",
		"<b>20</b> <span>Not synced": "?refresh=30&sort=-name&state=not_synced",
	} {
		if got := href(t, body, text); got != want {
			t.Errorf("%s leads to %q, want %q", text, got, want)
		}
	}
}

// The page refreshes itself only if the query requests it.
func TestRefresh(t *testing.T) {
	const meta = `<meta http-equiv="refresh" content="30">`
	for query, want := range map[string]bool{"": false, "?refresh=30": true, "?refresh=off": false, "?refresh=1": false, "?refresh=0;url=//x": false} {
		body := read(t, get(t, options(sample()), http.MethodGet, "/"+query))
		if got := strings.Contains(body, meta); got != want || strings.Contains(body, "http-equiv") != want {
			t.Errorf("%q: reloads itself: %t, want %t", query, got, want)
		}
		text, other := "every 30 s", "?refresh=30"
		if want {
			text, other = "off", "?"
		}
		if got := href(t, body, text); got != other {
			t.Errorf("%q: %s leads to %q, want %q", query, text, got, other)
		}
	}
}

func TestPaging(t *testing.T) {
	var s collector.Snapshot
	for i := range 25 {
		s.Orgs = append(s.Orgs, polled(i, fmt.Sprintf("org %02d & co", i), opsmanager.Synced, nil))
	}
	tests := []struct {
		query          string
		first          string
		count          int
		previous, next string
	}{
		{"", "org 00 & co", 10, "", "?page=2"},
		{"?page=2", "org 10 & co", 10, "?", "?page=3"},
		{"?page=3", "org 20 & co", 5, "?page=2", ""},
		{"?page=4", "org 20 & co", 5, "?page=2", ""},
		{"?page=99999999999999999999999", "org 20 & co", 5, "?page=2", ""},
		{"?page=0", "org 00 & co", 10, "", "?page=2"},
		{"?page=-99999999999999999999999", "org 00 & co", 10, "", "?page=2"},
		{"?page=two", "org 00 & co", 10, "", "?page=2"},
		{"?page=1e3", "org 00 & co", 10, "", "?page=2"},
		{"?q=%26+CO&state=synced&page=2", "org 10 & co", 10, "?q=%26+CO&state=synced", "?page=3&q=%26+CO&state=synced"},
		{"?q=org+0&page=9", "org 00 & co", 10, "", ""},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			o := options(s)
			o.PageSize = 10
			body := read(t, get(t, o, http.MethodGet, "/"+test.query))
			got := names(body)
			if len(got) != test.count || got[0] != test.first {
				t.Errorf("%q, want %d from %q on", got, test.count, test.first)
			}
			if got := href(t, body, "Previous page"); got != test.previous {
				t.Errorf("previous %q, want %q", got, test.previous)
			}
			if got := href(t, body, "Next page"); got != test.next {
				t.Errorf("next %q, want %q", got, test.next)
			}
		})
	}
}

func TestPageSizeDefault(t *testing.T) {
	body := read(t, get(t, options(fleet(250)), http.MethodGet, "/"))
	if got := len(names(body)); got != 100 {
		t.Errorf("%d organizations on the page, want 100", got)
	}
	if !strings.Contains(body, "1 to 100 of 250 organizations") || !strings.Contains(body, "Page 1 of 3") {
		t.Error("the page does not say what part of the whole it is")
	}
}

// fleet returns n organizations, alternately synced, not synced and unknown.
func fleet(n int) collector.Snapshot {
	var s collector.Snapshot
	for i := range n {
		o := polled(i, fmt.Sprintf("Organization %d", (i*7919)%n), opsmanager.Synced, nil)
		switch i % 3 {
		case 1:
			o.Status = opsmanager.NotSynced
		case 2:
			o.Status, o.Err = "", &opsmanager.Error{Reason: opsmanager.ReasonRole, StatusCode: 403, ErrorCode: "NOT_ORG_ADMIN"}
		}
		s.Orgs = append(s.Orgs, o)
	}
	return s
}

func BenchmarkPage(b *testing.B) {
	h := statuspage.New(options(fleet(10_000)))
	for _, path := range []string{"/", "/?page=50", "/?sort=name", "/?sort=-since&state=unknown", "/?q=organization+99&state=unknown"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
			}
		})
	}
}
