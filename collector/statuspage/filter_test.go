package statuspage_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

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
		{"?q=" + strings.ToUpper(orgID(3)), []string{"Billing"}},
		{"?q=nobody", nil},
	}
	for _, test := range tests {
		t.Run(test.query, func(t *testing.T) {
			body := read(t, get(t, options(s), http.MethodGet, "/"+test.query))
			if got := names(body); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
			if none := strings.Contains(body, "No organization matches."); none != (test.want == nil) {
				t.Errorf("says that nothing matches: %t", none)
			}
			// The headline is about all, whatever the filter.
			if !strings.Contains(body, "<b>2</b> Not synced") {
				t.Error("the headline changed")
			}
		})
	}
}

// The form shows what the table was filtered by.
func TestFormKeepsFilter(t *testing.T) {
	body := read(t, get(t, options(sample()), http.MethodGet, "/?q=+Ship%22&state=timeout"))
	for _, want := range []string{`value="Ship&#34;"`, `<option value="timeout" selected>timeout (0)</option>`, `<a href="?">Show all</a>`} {
		if !strings.Contains(body, want) {
			t.Errorf("not on the page: %s", want)
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

// fleet returns n organizations, in turns synced, not synced and unknown.
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
	for _, path := range []string{"/", "/?page=50", "/?q=organization+99&state=unknown"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
			}
		})
	}
}
