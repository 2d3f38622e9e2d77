package collector

import (
	"sync"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// Snapshot is the result of the last scrapes, for the status page; metrics come only
// from polls. It is not modified, and is shared by all callers until the next
// scrape.
type Snapshot struct {
	Orgs   []OrgSnapshot // in the order of the configuration
	Reload Reload
}

// OrgSnapshot is an organization as of the last scrape.
type OrgSnapshot struct {
	ID         string
	Name       string // the ID if no name is configured
	OpsManager string
	Team       string // "" if none is configured
	// Credentials is the kind of credentials that the organization is polled with.
	Credentials config.Kind
	// Status is the status that the last scrape read; "" if it failed or there was
	// no scrape yet.
	Status opsmanager.Status
	Err    error     // why the last scrape could not read the status; nil if it did
	Polled time.Time // when the last scrape received the answer or gave up; zero before the first
	// Advice is about Err, or about Status if that is NOT_SYNCED.
	Advice advice.Advice
	// Since is when the current Status and reason of Err were first seen in
	// consecutive scrapes; zero before the first scrape.
	Since time.Time
	// AtLeast reports that this state may have begun before Since, because the
	// status was not read just before that.
	AtLeast  bool
	Duration time.Duration // of the last poll
	// LastSuccess is when a status was last read; zero if it never was.
	LastSuccess time.Time
}

// snapshots keeps the newest snapshot and what it was made from.
type snapshots struct {
	scrapes atomic.Uint64 // number of settled scrapes

	mu      sync.Mutex
	newest  *Snapshot
	scrape  uint64
	targets *Targets
	reload  *Reload
}

// Snapshot returns the result of the last scrapes, and the same pointer until
// something changes. It neither polls nor waits for polls.
func (e *Exporter) Snapshot() *Snapshot {
	c := &e.snapshots
	c.mu.Lock()
	defer c.mu.Unlock()
	// Read before the histories, so that concurrent changes to them make this
	// snapshot outdated.
	scrape, targets, reload := c.scrapes.Load(), e.targets.Load(), e.reloaded.Load()
	if c.newest == nil || c.scrape != scrape || c.targets != targets || c.reload != reload {
		c.newest, c.scrape, c.targets, c.reload = newSnapshot(targets.orgs, reload), scrape, targets, reload
	}
	return c.newest
}

func newSnapshot(orgs []*organization, reload *Reload) *Snapshot {
	s := &Snapshot{Orgs: make([]OrgSnapshot, len(orgs)), Reload: *reload}
	given := make(map[advice.Advice]advice.Advice) // identical texts share memory
	for i, org := range orgs {
		h := org.history
		h.mu.Lock()
		s.Orgs[i] = OrgSnapshot{
			ID: org.config.ID, Name: org.name, OpsManager: org.target.settings.Name, Team: org.config.Team,
			Credentials: org.target.settings.CredentialsOf(&org.config).Kind,
			Status:      h.last.Status, Err: h.last.err, Polled: h.last.at, Since: h.since, AtLeast: h.atLeast,
			Duration: h.last.duration, LastSuccess: h.lastSuccess,
		}
		a := h.last
		h.mu.Unlock()
		words := org.advice(a)
		if same, ok := given[words]; ok {
			words = same
		} else {
			given[words] = words
		}
		s.Orgs[i].Advice = words
	}
	return s
}
