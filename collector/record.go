package collector

import (
	"sync"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// record is what is remembered of an organization as long as it is configured.
// Nothing of it is ever shown as a status that a scrape read.
type record struct {
	mu          sync.Mutex
	errors      uint64
	lastSuccess time.Time
	status      opsmanager.Status          // last read; "" before that
	reason      opsmanager.Reason          // of the last scrape's failure; "" if it did not fail
	told        map[opsmanager.Reason]bool // reasons that were news since a status was last read
	last        answer                     // as the last scrape got it
	since       time.Time                  // when the state that last shows was first seen
}

// add takes in how a poll ended for one scrape. It returns the count of failed
// scrapes, the time of the last success, and what is worth a line in the log.
func (r *record) add(a answer) (failures uint64, lastSuccess time.Time, news news) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var reason opsmanager.Reason
	if a.err != nil {
		reason = opsmanager.ReasonOf(a.err)
	}
	if a.at.Before(r.last.at) { // another scrape has learned something newer meanwhile
		if a.err != nil {
			r.errors++
		} else if a.at.After(r.lastSuccess) {
			r.lastSuccess = a.at
		}
		return r.errors, r.lastSuccess, newsNone
	}
	if r.since.IsZero() || reason != r.reason || a.status != r.last.status {
		r.since = a.at
	}
	r.last = a
	if a.err != nil {
		r.errors++
		// Two reasons that take turns all night are news once each.
		if !r.told[reason] {
			news = newsUnknown
			if r.told == nil {
				r.told = make(map[opsmanager.Reason]bool)
			}
			r.told[reason] = true
		}
		r.reason = reason
		return r.errors, r.lastSuccess, news
	}
	switch {
	case a.status == opsmanager.NotSynced && (a.status != r.status || r.reason != ""):
		news = newsNotSynced
	case a.status != r.status && r.status != "", r.reason != "":
		news = newsRecovered
	}
	r.reason, r.status = "", a.status
	r.told = nil
	r.lastSuccess = a.at
	return r.errors, r.lastSuccess, news
}

// news is what changed for an organization.
type news int

const (
	newsNone      news = iota
	newsUnknown        // the status cannot be read, or for another reason than before
	newsNotSynced      // the link is NOT_SYNCED and was something else before, or unknown
	newsRecovered      // the status can be read again, or the link is SYNCED again
)
