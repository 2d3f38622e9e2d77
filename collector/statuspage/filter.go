package statuspage

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"opsmanager_exporter/collector/opsmanager"
)

// filter is what the query of a request asks for.
type filter struct {
	Text  string // as typed
	State string // a state or a reason; "" for all
	page  int    // from 1; may be beyond the last
}

// parseFilter reads the query parameters q, state and page.
func parseFilter(query url.Values) filter {
	f := filter{
		Text:  strings.TrimSpace(strings.ToValidUTF8(query.Get("q"), "\uFFFD")),
		State: strings.ToLower(query.Get("state")),
	}
	if !slices.Contains(states(), state(f.State)) && !slices.Contains(opsmanager.Reasons(), opsmanager.Reason(f.State)) {
		f.State = ""
	}
	// 0 for what is no number, the greatest int for a number beyond it.
	f.page, _ = strconv.Atoi(query.Get("page"))
	f.page = max(f.page, 1)
	return f
}

// apply returns the links that the filter lets through, in their order.
func (f filter) apply(links []link) []link {
	if f.Text == "" && f.State == "" {
		return links
	}
	text := fold(f.Text)
	var found []link
	for _, l := range links {
		if f.State != "" && f.State != string(l.state) && f.State != string(l.reason) {
			continue
		}
		if strings.Contains(l.name, text) || strings.Contains(fold(l.ID), text) || strings.Contains(fold(l.OpsManager), text) {
			found = append(found, l)
		}
	}
	return found
}

// url returns the address of a page of what the filter lets through, relative to
// the page at hand wherever that is served.
func (f filter) url(page int) string {
	query := url.Values{}
	if f.Text != "" {
		query.Set("q", f.Text)
	}
	if f.State != "" {
		query.Set("state", f.State)
	}
	if page > 1 {
		query.Set("page", strconv.Itoa(page))
	}
	return "?" + query.Encode()
}
