package collector

import (
	"sync"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// history is the state that is kept for an organization as long as it is
// configured. It is never exposed as a status read by the current scrape.
type history struct {
	mu          sync.Mutex
	errors      uint64
	lastSuccess time.Time
	status      opsmanager.Status          // last one read; "" before the first
	reason      opsmanager.Reason          // of the last scrape's failure; "" if it succeeded
	told        map[opsmanager.Reason]bool // reasons logged since a status was last read
	last        answer                     // of the last scrape
	since       time.Time                  // when the state in last was first seen
	atLeast     bool                       // that state may have begun before since
}

// maxGap is the longest time between two polls of which the second tells when a
// change happened. No usual scrape interval is as long.
const maxGap = 5 * time.Minute

// add records the outcome of a poll for one scrape. It returns the number of failed
// scrapes, the time of the last success, and the news to be logged.
func (h *history) add(a answer) (failures uint64, lastSuccess time.Time, news news) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var reason opsmanager.Reason
	if a.err != nil {
		reason = opsmanager.ReasonOf(a.err)
	}
	if a.at.Before(h.last.at) { // another scrape has recorded a newer answer
		if a.err != nil {
			h.errors++
		} else if a.at.After(h.lastSuccess) {
			h.lastSuccess = a.at
		}
		return h.errors, h.lastSuccess, newsNone
	}
	if first := h.since.IsZero(); first || reason != h.reason || a.Status != h.last.Status {
		// A failure begins when it is first seen. A status that is read after a
		// failure may have been the same during the failure. After a gap without
		// polls, either may have begun in it.
		h.since, h.atLeast = a.at, first || reason == "" && h.reason != "" || a.at.Sub(h.last.at) > maxGap
	}
	h.last = a
	h.last.Reading = opsmanager.Reading{Status: a.Status} // without its connection
	if a.err != nil {
		h.errors++
		// Reasons that alternate are news only once each.
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
	newsUnknown        // the status cannot be read, for a reason that is new
	newsNotSynced      // the link is NOT_SYNCED and was SYNCED or unknown before
	newsRecovered      // the link is SYNCED and was NOT_SYNCED or unknown before
)
