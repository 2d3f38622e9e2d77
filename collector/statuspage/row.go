package statuspage

import "time"

// row is an organization as the table shows it.
type row struct {
	ID, Name, OpsManager string

	State   state
	Words   string // of the state
	Reason  string // "" unless the state is unknown
	Stale   bool
	Since   *moment
	Polled  *moment
	Took    string
	Problem string // "" where there is none
	Fix     string
	// LastSuccess is set where the state is unknown; nil if nothing was ever read.
	LastSuccess *moment
	Probe       string
}

func (h *handler) row(l *link, now time.Time) row {
	r := row{
		ID: l.ID, Name: l.Name, OpsManager: l.OpsManager,
		State: l.state, Words: l.state.words(), Reason: string(l.reason), Stale: l.stale(now),
		Since: momentOf(l.Since, now), Polled: momentOf(l.Polled, now), Took: took(l.Duration),
		Probe: h.probe(l.ID),
	}
	switch l.state {
	case notSynced:
		r.Problem = "Ops Manager answers NOT_SYNCED: this organization's link to Atlas is down."
		r.Fix = l.Status.Fix()
	case unknown:
		r.LastSuccess = momentOf(l.LastSuccess, now)
		r.Fix = l.reason.Fix()
		r.Problem = "The last scrape read no status."
		if l.Err != nil {
			r.Problem = l.Err.Error()
		}
	case notPolled:
		r.Problem = "No scrape has polled this organization yet."
		r.Fix = "Wait for the next scrape; it polls all organizations."
	case synced:
	}
	return r
}
