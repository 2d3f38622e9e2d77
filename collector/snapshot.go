package collector

import (
	"sync"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// Snapshot is what the last scrapes saw. It is for people; metrics come from
// polls alone. It is not modified, and shared by all who ask before the next
// scrape.
type Snapshot struct {
	Orgs   []OrgSnapshot // in the order of the configuration
	Reload Reload
}

// OrgSnapshot is an organization as the last scrape saw it.
type OrgSnapshot struct {
	ID         string
	Name       string // the ID where no name is configured
	OpsManager string
	Team       string // whom to call; "" where none is configured
	// Status is what the last scrape read; "" if it read none, or if there was
	// no scrape yet.
	Status opsmanager.Status
	Err    error     // why the last scrape read none; nil if it did
	Polled time.Time // when the last scrape got its answer or gave up; zero before the first
	// Since is when Status and the reason of Err were first seen like this, over
	// consecutive scrapes; zero before the first.
	Since    time.Time
	Duration time.Duration // of the last poll
	// LastSuccess is when a status was last read; zero before that.
	LastSuccess time.Time
}

// snapshots keeps the newest snapshot, and what it was made of.
type snapshots struct {
	scrapes atomic.Uint64 // that were settled

	mu      sync.Mutex
	newest  *Snapshot
	scrape  uint64
	targets *Targets
	reload  *Reload
}

// Snapshot returns what the last scrapes saw: the same one until there is
// something new. It polls nothing and waits for no poll.
func (e *Exporter) Snapshot() *Snapshot {
	c := &e.snapshots
	c.mu.Lock()
	defer c.mu.Unlock()
	// Read before the histories: what they learn meanwhile counts as new.
	scrape, targets, reload := c.scrapes.Load(), e.targets.Load(), e.reloaded.Load()
	if c.newest == nil || c.scrape != scrape || c.targets != targets || c.reload != reload {
		c.newest, c.scrape, c.targets, c.reload = newSnapshot(targets.orgs, reload), scrape, targets, reload
	}
	return c.newest
}

func newSnapshot(orgs []*organization, reload *Reload) *Snapshot {
	s := &Snapshot{Orgs: make([]OrgSnapshot, len(orgs)), Reload: *reload}
	for i, org := range orgs {
		h := org.history
		h.mu.Lock()
		s.Orgs[i] = OrgSnapshot{
			ID: org.config.ID, Name: org.name, OpsManager: org.target.settings.Name, Team: org.config.Team,
			Status: h.last.Status, Err: h.last.err, Polled: h.last.at, Since: h.since,
			Duration: h.last.duration, LastSuccess: h.lastSuccess,
		}
		h.mu.Unlock()
	}
	return s
}
