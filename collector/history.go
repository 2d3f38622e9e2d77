package collector

import (
	"sync"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// history is what is remembered of an organization as long as it is configured.
// Nothing of it is ever shown as a status that a scrape read.
type history struct {
	mu          sync.Mutex
	errors      uint64
	lastSuccess time.Time
	status      opsmanager.Status          // last read; "" before that
	reason      opsmanager.Reason          // of the last scrape's failure; "" if it did not fail
	told        map[opsmanager.Reason]bool // reasons that were news since a status was last read
	last        answer                     // as the last scrape got it
	since       time.Time                  // when the state that last shows was first seen
	atLeast     bool                       // it may have begun before that
}

// add records the outcome of a poll for one scrape. It returns the count of failed
// scrapes, the time of the last success, and what is worth a line in the log.
func (h *history) add(a answer) (failures uint64, lastSuccess time.Time, news news) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var reason opsmanager.Reason
	if a.err != nil {
		reason = opsmanager.ReasonOf(a.err)
	}
	if a.at.Before(h.last.at) { // another scrape has learned something newer meanwhile
		if a.err != nil {
			h.errors++
		} else if a.at.After(h.lastSuccess) {
			h.lastSuccess = a.at
		}
		return h.errors, h.lastSuccess, newsNone
	}
	if first := h.since.IsZero(); first || reason != h.reason || a.Status != h.last.Status {
		// A failure begins when it is seen. A status that is read after one may have
		// been the same all the time.
		h.since, h.atLeast = a.at, first || reason == "" && h.reason != ""
	}
	h.last = a
	h.last.Reading = opsmanager.Reading{Status: a.Status} // without its connection
	if a.err != nil {
		h.errors++
		// Two reasons that take turns all night are news once each.
		if !h.told[reason] {
			news = newsUnknown
			if h.told == nil {
				h.told = make(map[opsmanager.Reason]bool)
			}
			h.told[reason] = true
		}
		h.reason = reason
		return h.errors, h.lastSuccess, news
	}
	switch {
	case a.Status == opsmanager.NotSynced && (a.Status != h.status || h.reason != ""):
		news = newsNotSynced
	case a.Status != h.status && h.status != "", h.reason != "":
		news = newsRecovered
	}
	h.reason, h.status = "", a.Status
	h.told = nil
	h.lastSuccess = a.at
	return h.errors, h.lastSuccess, news
}

// news is what changed for an organization.
type news int

const (
	newsNone      news = iota
	newsUnknown        // the status cannot be read, or for another reason than before
	newsNotSynced      // the link is NOT_SYNCED and was something else before, or unknown
	newsRecovered      // the status can be read again, or the link is SYNCED again
)
