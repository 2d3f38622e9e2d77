package collector

import (
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// Snapshot is what the last scrapes saw. It is for people; metrics come from
// polls alone.
type Snapshot struct {
	Orgs   []OrgSnapshot // in the order of the configuration
	Reload Reload
}

// OrgSnapshot is an organization as the last scrape saw it.
type OrgSnapshot struct {
	ID         string
	Name       string // the ID where no name is configured
	OpsManager string
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

// Snapshot returns what the last scrapes saw. It polls nothing and waits for no
// poll.
func (e *Exporter) Snapshot() Snapshot {
	orgs := e.Targets().orgs
	s := Snapshot{Orgs: make([]OrgSnapshot, len(orgs)), Reload: *e.reloaded.Load()}
	for i, org := range orgs {
		h := org.history
		h.mu.Lock()
		s.Orgs[i] = OrgSnapshot{
			ID: org.config.ID, Name: org.name, OpsManager: org.target.settings.Name,
			Status: h.last.Status, Err: h.last.err, Polled: h.last.at, Since: h.since,
			Duration: h.last.duration, LastSuccess: h.lastSuccess,
		}
		h.mu.Unlock()
	}
	return s
}
