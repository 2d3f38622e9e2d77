package statuspage

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
)

// staleAfter is the age after which the result of a poll is considered stale. It is
// longer than any usual scrape interval.
const staleAfter = 5 * time.Minute

// state is the state of an organization. It is also the value of the query
// parameter and the CSS class.
type state string

const (
	notSynced state = "not_synced"
	unknown   state = "unknown"
	notPolled state = "not_polled"
	synced    state = "synced"
)

// states returns all states, problems first, which is the order of the table.
func states() []state { return []state{notSynced, unknown, notPolled, synced} }

func (s state) words() string {
	switch s {
	case notSynced:
		return "Not synced"
	case unknown:
		return "Unknown"
	case notPolled:
		return "Not polled yet"
	default:
		return "Synced"
	}
}

// link is an organization with what sorting and filtering need.
type link struct {
	*collector.OrgSnapshot
	state  state
	reason opsmanager.Reason // "" unless the state is unknown
	rank   int               // of the state

	name, opsManager, team string // case-folded
}

// sorted caches the sorted links of the newest snapshot, because sorting takes
// longer than rendering a page. It is safe for concurrent use.
type sorted struct {
	mu       sync.Mutex
	snapshot *collector.Snapshot
	links    []*link // not modified
}

// of returns the links of a snapshot, sorted.
func (c *sorted) of(s *collector.Snapshot) []*link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.snapshot != s {
		c.snapshot, c.links = s, linksOf(s.Orgs)
	}
	return c.links
}

// linksOf returns the organizations of a snapshot, sorted by state, problems first,
// and then by name.
func linksOf(orgs []collector.OrgSnapshot) []*link {
	links := make([]*link, len(orgs))
	folded := make(map[string]string) // texts that many organizations share
	once := func(s string) string {
		if _, ok := folded[s]; !ok {
			folded[s] = fold(s)
		}
		return folded[s]
	}
	for i := range orgs {
		o := &orgs[i]
		l := &link{OrgSnapshot: o, name: fold(o.Name), opsManager: once(o.OpsManager), team: once(o.Team)}
		l.state, l.reason = stateOf(o)
		l.rank = slices.Index(states(), l.state)
		links[i] = l
	}
	slices.SortFunc(links, func(a, b *link) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.name, b.name), cmp.Compare(a.ID, b.ID))
	})
	return links
}

func stateOf(o *collector.OrgSnapshot) (state, opsmanager.Reason) {
	switch {
	case o.Polled.IsZero():
		return notPolled, ""
	case o.Err != nil:
		return unknown, opsmanager.ReasonOf(o.Err)
	case o.Status == opsmanager.Synced:
		return synced, ""
	case o.Status == opsmanager.NotSynced:
		return notSynced, ""
	}
	// Neither status nor error. No scrape produces this, but if one did, it must
	// not look like a working link.
	return unknown, opsmanager.ReasonBadResponse
}

// stale reports whether the last poll of the organization is stale.
func (l *link) stale(now time.Time) bool {
	return l.state != notPolled && now.Sub(l.Polled) > staleAfter
}

// fold returns s case-folded. It converts to upper case first because some letters,
// such as the Greek sigma, have two lower-case forms.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }
