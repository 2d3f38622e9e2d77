package statuspage

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
)

// page is what the template shows.
type page struct {
	Style   template.CSS
	Title   string
	Version string

	Counts  []count // of all organizations, trouble first
	Scraped *moment // when a scrape last polled an organization; nil before the first
	Old     bool    // that is long ago
	Stale   int     // organizations that were polled, but not lately

	Filter  filter
	States  []choice
	Reasons []choice

	Rows        []row
	Total       int // organizations
	Found       int // of them, let through by the filter
	First, Last int // of those, on this page; from 1

	Page, Pages    int
	Previous, Next string // "" where there is none

	Reload  reload
	Metrics string
	Healthy string
	Ready   string
}

// count is one number of the headline.
type count struct {
	State   state
	Words   string
	Count   int
	URL     string
	Current bool // the table shows these alone
}

// choice is an entry of the select box.
type choice struct {
	Value, Text string
	Selected    bool
}

// reload is what the page says of the configuration.
type reload struct {
	File   string
	Loaded *moment
	Tried  *moment
	Failed string // why the last load did; "" if it did not
}

func (h *handler) page(f filter) page {
	s, now := h.options.Snapshot(), h.options.Now()
	links := h.sorted.of(s)
	p := page{
		Style:   template.CSS(style), //nolint:gosec // the style sheet of this package, as it was hashed
		Version: h.options.Version,
		Filter:  f,
		Total:   len(links),
		Reload:  reloadOf(s.Reload, now),
		Metrics: h.link(h.options.MetricsPath),
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
		p.Previous = f.url(p.Page - 1)
	}
	if p.Page < p.Pages {
		p.Next = f.url(p.Page + 1)
	}
	for i := range found[from:to] {
		p.Rows = append(p.Rows, h.row(&found[from+i], now))
	}
	return p
}

// summarize fills in what the page says of all organizations together.
func (p *page) summarize(links []link, now time.Time) {
	counts := make(map[state]int)
	reasons := make(map[opsmanager.Reason]int)
	var last time.Time
	for i := range links {
		l := &links[i]
		counts[l.state]++
		reasons[l.reason]++
		if l.stale(now) {
			p.Stale++
		}
		if l.Polled.After(last) {
			last = l.Polled
		}
	}
	p.Scraped = momentOf(last, now)
	p.Old = p.Scraped != nil && now.Sub(last) > staleAfter

	var title []string
	for _, s := range states() {
		c := count{
			State: s, Words: s.words(), Count: counts[s],
			URL: filter{State: string(s)}.url(1), Current: p.Filter.State == string(s),
		}
		p.Counts = append(p.Counts, c)
		p.States = append(p.States, choice{Value: string(s), Text: c.Words, Selected: c.Current})
		if c.Count > 0 {
			title = append(title, fmt.Sprintf("%d %s", c.Count, strings.ToLower(c.Words)))
		}
	}
	p.Title = strings.Join(append(title, "migration links"), ", ")
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
