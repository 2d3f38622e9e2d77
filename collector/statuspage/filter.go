package statuspage

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"opsmanager_exporter/collector/opsmanager"
)

// filter is what the query of a request asks for.
type filter struct {
	Text    string // as typed
	State   string // a state or a reason; "" for all
	order   order
	Refresh bool // the page reloads itself
	page    int  // from 1; may be beyond the last
}

// refreshSeconds is how long a page that reloads itself is shown. It is also the
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
	// 0 for what is no number, the greatest int for a number beyond it.
	f.page, _ = strconv.Atoi(query.Get("page"))
	f.page = max(f.page, 1)
	return f
}

// apply returns the links that the filter lets through, in its order.
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

// Narrow reports whether the filter may hold some back.
func (f filter) Narrow() bool { return f.Text != "" || f.State != "" }

// all returns the filter that lets everything through and shows it alike.
func (f filter) all() filter { return filter{order: f.order, Refresh: f.Refresh} }

// of returns the filter that lets this state through and shows it alike.
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

// refreshing returns the same filter on a page that reloads itself, or not.
func (f filter) refreshing(on bool) filter {
	f.Refresh = on
	return f
}

// by returns the same filter in the order of a column; in the opposite order if
// it is that of the column already.
func (f filter) by(column string) filter {
	f.page = 1
	f.order = order{by: column, down: f.order.column() == column && !f.order.down}
	if f.order == (order{by: byState}) {
		f.order = order{}
	}
	return f
}

// Sort is the value of the query parameter sort, "" for the usual order.
func (f filter) Sort() string { return f.order.String() }

// url returns the address of what the filter lets through, relative to the page
// at hand wherever that is served.
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

// order is how the table is sorted. The zero order is the usual one: by state,
// trouble first.
type order struct {
	by   string
	down bool
}

// parseOrder reads the name of a column, with a minus sign for the opposite
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

// String returns what parseOrder reads.
func (o order) String() string {
	if o.down {
		return "-" + o.by
	}
	return o.by
}

func (o order) column() string { return cmp.Or(o.by, byState) }

// sort sorts links that are in the usual order, which stays among equal ones.
// What has no value in a column is last either way.
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

// lacks returns 1 if the organization has no value in a column, 0 if it has.
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
