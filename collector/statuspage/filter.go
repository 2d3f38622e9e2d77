package statuspage

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"opsmanager_exporter/collector/opsmanager"
)

// filter is the parsed query of a request.
type filter struct {
	Text    string // as typed
	State   string // a state or a reason; "" for all
	order   order
	Refresh bool // the page refreshes itself
	page    int  // from 1; may be beyond the last
}

// refreshSeconds is the interval at which the page refreshes itself. It is also the
// value of the query parameter.
const refreshSeconds = "30"

// parseFilter reads the query parameters q, state, sort, refresh and page.
func parseFilter(query url.Values) filter {
	f := filter{
		Text:    strings.TrimSpace(strings.ToValidUTF8(query.Get("q"), "\uFFFD")),
		State:   strings.ToLower(query.Get("state")),
		order:   parseOrder(query.Get("sort")),
		Refresh: query.Get("refresh") == refreshSeconds,
	}
	if !slices.Contains(states(), state(f.State)) && !slices.Contains(opsmanager.Reasons(), opsmanager.Reason(f.State)) {
		f.State = ""
	}
	// Atoi returns 0 if it is not a number, and the maximum int on overflow.
	f.page, _ = strconv.Atoi(query.Get("page"))
	f.page = max(f.page, 1)
	return f
}

// apply returns the links that match the filter, in its order.
func (f filter) apply(links []*link) []*link {
	if f.Text == "" && f.State == "" && f.order == (order{}) {
		return links
	}
	text := fold(f.Text)
	found := make([]*link, 0, len(links))
	for _, l := range links {
		if f.State != "" && f.State != string(l.state) && f.State != string(l.reason) {
			continue
		}
		if strings.Contains(l.name, text) || strings.Contains(l.ID, text) || strings.Contains(l.opsManager, text) || strings.Contains(l.team, text) {
			found = append(found, l)
		}
	}
	f.order.sort(found)
	return found
}

// Narrow reports whether the filter may exclude any links.
func (f filter) Narrow() bool { return f.Text != "" || f.State != "" }

// all returns a filter that matches all links, with the same order and refresh.
func (f filter) all() filter { return filter{order: f.order, Refresh: f.Refresh} }

// of returns a filter that matches this state, with the same order and refresh.
func (f filter) of(s state) filter {
	f = f.all()
	f.State = string(s)
	return f
}

// on returns the same filter on another page.
func (f filter) on(page int) filter {
	f.page = page
	return f
}

// refreshing returns the same filter with refresh on or off.
func (f filter) refreshing(on bool) filter {
	f.Refresh = on
	return f
}

// by returns the same filter sorted by a column; in descending order if it is
// already sorted by that column in ascending order.
func (f filter) by(column string) filter {
	f.page = 1
	f.order = order{by: column, down: f.order.column() == column && !f.order.down}
	if f.order == (order{by: byState}) {
		f.order = order{}
	}
	return f
}

// Sort returns the value of the query parameter sort, "" for the default order.
func (f filter) Sort() string { return f.order.String() }

// url returns the URL of the filtered page, relative to the current page.
func (f filter) url() string {
	query := url.Values{}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	set("q", f.Text)
	set("state", f.State)
	set("sort", f.Sort())
	if f.Refresh {
		set("refresh", refreshSeconds)
	}
	if f.page > 1 {
		set("page", strconv.Itoa(f.page))
	}
	return "?" + query.Encode()
}

// The columns that the table can be sorted by, as in the query parameter.
const (
	byName       = "name"
	byOpsManager = "ops_manager"
	byTeam       = "team"
	byState      = "state"
	bySince      = "since"
	byPolled     = "polled"
	byTook       = "took"
)

// order is how the table is sorted. The zero value is the default: by state,
// problems first.
type order struct {
	by   string
	down bool
}

// parseOrder parses the name of a column, with a leading minus sign for descending
// order.
func parseOrder(text string) order {
	by, down := strings.CutPrefix(text, "-")
	switch {
	case !slices.Contains([]string{byName, byOpsManager, byTeam, byState, bySince, byPolled, byTook}, by):
		return order{}
	case by == byState && !down:
		return order{}
	}
	return order{by, down}
}

// String returns the order in the form that parseOrder parses.
func (o order) String() string {
	if o.down {
		return "-" + o.by
	}
	return o.by
}

func (o order) column() string { return cmp.Or(o.by, byState) }

// sort sorts links that are in the default order, which is kept among equal ones.
// Links without a value in the column are last in either direction.
func (o order) sort(links []*link) {
	if o == (order{}) {
		return
	}
	slices.SortStableFunc(links, func(a, b *link) int {
		c := a.compare(b, o.by)
		if o.down {
			c = -c
		}
		return cmp.Or(cmp.Compare(a.lacks(o.by), b.lacks(o.by)), c)
	})
}

// lacks returns 1 if the link has no value in the column, 0 otherwise.
func (l *link) lacks(column string) int {
	switch {
	case column == byTeam && l.team == "":
		return 1
	case l.state == notPolled && (column == bySince || column == byPolled || column == byTook):
		return 1
	}
	return 0
}

func (l *link) compare(o *link, column string) int {
	switch column {
	case byName:
		return cmp.Compare(l.name, o.name)
	case byOpsManager:
		return cmp.Compare(l.opsManager, o.opsManager)
	case byTeam:
		return cmp.Compare(l.team, o.team)
	case bySince:
		return l.Since.Compare(o.Since)
	case byPolled:
		return l.Polled.Compare(o.Polled)
	case byTook:
		return cmp.Compare(l.Duration, o.Duration)
	}
	return cmp.Compare(l.rank, o.rank)
}
