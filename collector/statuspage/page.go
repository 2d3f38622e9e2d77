package statuspage

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// page is the data of the template.
type page struct {
	Style   template.CSS
	Title   string
	Version string

	Counts  []count // of all organizations, problems first
	Scraped *moment // when a scrape last polled an organization; nil before the first
	Old     bool    // Scraped is older than staleAfter
	Stale   int     // organizations that were polled, but not recently

	Filter  filter
	All     string // URL of the page without the filter
	States  []choice
	Reasons []choice

	Columns     []column
	Named       bool // some organization has a name, so the table has a column for IDs
	Teams       bool // some organization has a team, so the table has a column for teams
	Accounts    bool // some organization has a service account, so the table says which kind each has
	Rows        []row
	Total       int // number of organizations
	Found       int // number of organizations that match the filter
	First, Last int // those on this page; from 1
	ToDo        []toDo

	Page, Pages    int
	Previous, Next string // "" if there is none

	// Again is the URL of this page; Refresh is its URL with refresh toggled.
	Again, Refresh string
	RefreshSeconds string

	Explained []explained
	Reload    reload
	Metrics   string
	SD        string
	Healthy   string
	Ready     string
}

// count is one of the counts at the top of the page.
type count struct {
	State   state
	Words   string
	Count   int
	URL     string
	Current bool // the table shows only these
	Shown   bool // false for "not polled yet" without any organization
}

// column is a column that the table can be sorted by.
type column struct {
	Name, URL string
	Sorted    string // the value of aria-sort; "" if the table is not sorted by it
}

// choice is an option of the select element.
type choice struct {
	Value, Text string
	Selected    bool
}

// reload is what the page shows about the configuration.
type reload struct {
	File   string
	Loaded *moment
	Tried  *moment
	Failed string // the error of the last load; "" if it succeeded
}

func (h *handler) page(f filter) page {
	s, now := h.options.Snapshot(), h.options.Now()
	links := h.sorted.of(s)
	p := page{
		Style:   template.CSS(style), //nolint:gosec // the style sheet of this package, which the policy's hash covers
		Version: h.options.Version,
		Filter:  f,
		All:     f.all().url(),
		Total:   len(links),

		RefreshSeconds: refreshSeconds,
		Explained:      explainedReasons(),

		Reload:  reloadOf(s.Reload, now),
		Metrics: h.link(h.options.MetricsPath),
		SD:      h.link("/sd"),
		Healthy: h.link("/-/healthy"),
		Ready:   h.link("/-/ready"),
	}
	p.summarize(links, now)

	found := f.apply(links)
	p.Found = len(found)
	size := h.options.PageSize
	p.Pages = max(1, (p.Found+size-1)/size)
	p.Page = min(f.page, p.Pages)
	from := (p.Page - 1) * size
	to := min(from+size, p.Found)
	p.First, p.Last = from+1, to
	if p.Page > 1 {
		p.Previous = f.on(p.Page - 1).url()
	}
	if p.Page < p.Pages {
		p.Next = f.on(p.Page + 1).url()
	}
	p.Again, p.Refresh = f.on(p.Page).url(), f.on(p.Page).refreshing(!f.Refresh).url()
	p.Columns = columnsOf(f, p.Teams)
	for _, l := range found[from:to] {
		p.Rows = append(p.Rows, h.row(l, now))
	}
	p.ToDo = toDoFor(p.Rows)
	return p
}

// columnsOf returns the columns of the table, except for that of the IDs.
func columnsOf(f filter, teams bool) []column {
	var all []column
	for _, c := range []struct{ by, name string }{
		{byName, "Organization"},
		{byOpsManager, "Ops Manager"},
		{byTeam, "Team"},
		{byState, "State"},
		{bySince, "Since"},
		{byPolled, "Last poll"},
		{byTook, "Duration"},
	} {
		if c.by == byTeam && !teams {
			continue
		}
		sorted := ""
		if f.order.column() == c.by {
			sorted = "ascending"
			if f.order.down {
				sorted = "descending"
			}
		}
		all = append(all, column{Name: c.name, URL: f.by(c.by).url(), Sorted: sorted})
	}
	return all
}

// summarize fills in what the page shows about all organizations together.
func (p *page) summarize(links []*link, now time.Time) {
	counts := make(map[state]int)
	reasons := make(map[opsmanager.Reason]int)
	var last time.Time
	for _, l := range links {
		counts[l.state]++
		reasons[l.reason]++
		if l.stale(now) {
			p.Stale++
		}
		if l.Polled.After(last) {
			last = l.Polled
		}
		p.Named = p.Named || l.Name != l.ID
		p.Teams = p.Teams || l.Team != ""
		p.Accounts = p.Accounts || l.Credentials == config.ServiceAccount
	}
	p.Scraped = momentOf(last, now)
	p.Old = p.Scraped != nil && now.Sub(last) > staleAfter

	var title []string
	for _, s := range states() {
		c := count{
			State: s, Words: s.words(), Count: counts[s],
			URL: p.Filter.of(s).url(), Current: p.Filter.State == string(s),
		}
		// Organizations that were never polled exist only between a reload and the
		// next scrape.
		c.Shown = s != notPolled || c.Count > 0 || c.Current
		p.Counts = append(p.Counts, c)
		p.States = append(p.States, choice{Value: string(s), Text: c.Words, Selected: c.Current})
		if c.Count > 0 {
			title = append(title, fmt.Sprintf("%d %s", c.Count, strings.ToLower(c.Words)))
		}
	}
	p.Title = strings.Join(append(title, "migration links"), ", ") + " - opsmanager_exporter"
	for _, r := range slices.Sorted(slices.Values(opsmanager.Reasons())) {
		selected := p.Filter.State == string(r)
		if reasons[r] > 0 || selected {
			p.Reasons = append(p.Reasons, choice{
				Value: string(r), Text: fmt.Sprintf("%s (%d)", r, reasons[r]), Selected: selected,
			})
		}
	}
}

func reloadOf(r collector.Reload, now time.Time) reload {
	v := reload{File: r.File, Loaded: momentOf(r.Loaded, now), Tried: momentOf(r.Tried, now)}
	if r.Err != nil {
		v.Failed = r.Err.Error()
	}
	return v
}
