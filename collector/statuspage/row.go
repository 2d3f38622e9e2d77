package statuspage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// row is a row of the table: one organization.
type row struct {
	ID, Name, OpsManager, Team string

	State   state
	Words   string // of the state
	Reason  string // "" unless the state is unknown
	Stale   bool
	Since   *moment
	AtLeast bool   // the state may have begun before Since
	Read    string // if the state is unknown: when a status was last read
	Polled  *moment
	Took    string
	// Credentials is the kind of credentials; it does not identify them.
	Credentials config.Kind
	Advice      advice.Advice // empty if there is no problem
	ToDo        string        // HTML ID of the advice
	Probe       string
}

func (h *handler) row(l *link, now time.Time) row {
	r := row{
		ID: l.ID, Name: l.Name, OpsManager: l.OpsManager, Team: l.Team,
		State: l.state, Words: l.state.words(), Reason: string(l.reason), Stale: l.stale(now),
		Since: momentOf(l.Since, now), AtLeast: l.AtLeast, Polled: momentOf(l.Polled, now), Took: took(l.Duration), Credentials: l.Credentials,
		Advice: l.Advice, Probe: h.probe(l.ID),
	}
	switch l.state {
	case unknown:
		r.Read = "; no status has been read yet"
		if read := momentOf(l.LastSuccess, now); read != nil {
			r.Read = "; a status was last read at " + read.Clock
		}
		if l.Err == nil {
			r.Advice = advice.Advice{Problem: "the last scrape did not read a status", Fix: l.reason.Fix()}
		}
	case notPolled:
		r.Advice = advice.Advice{
			Problem: "the organization has not been polled yet",
			Fix:     "Wait for the next scrape, which polls all organizations.",
		}
	case synced, notSynced:
	}
	return r
}

// toDo is a fix with the problems and organizations that it applies to.
type toDo struct {
	ID       string
	State    state
	Words    string
	Reason   string
	Problems []string // the first few different problems with this fix
	Fix      string
	Who      []string // names of the first few organizations
	More     int      // number of further organizations
}

const (
	mostProblems = 3
	mostWho      = 5
)

// toDoFor returns each fix for the organizations of the table once, and links
// their rows to it.
func toDoFor(rows []row) []toDo {
	type kind struct {
		state       state
		reason, fix string
	}
	var all []toDo
	known := make(map[kind]int)
	named := make(map[string]int) // number of entries with this ID before the suffix
	for i := range rows {
		r := &rows[i]
		if r.Advice == (advice.Advice{}) {
			continue
		}
		k := kind{r.State, r.Reason, r.Advice.Fix}
		at, ok := known[k]
		if !ok {
			at = len(all)
			known[k] = at
			id := "todo-" + cmp.Or(r.Reason, string(r.State))
			if named[id]++; named[id] > 1 {
				id += fmt.Sprintf("-%d", named[id])
			}
			all = append(all, toDo{ID: id, State: r.State, Words: r.Words, Reason: r.Reason, Fix: r.Advice.Fix})
		}
		all[at].add(r)
		r.ToDo = all[at].ID
	}
	return all
}

func (t *toDo) add(r *row) {
	if !slices.Contains(t.Problems, r.Advice.Problem) && len(t.Problems) < mostProblems {
		t.Problems = append(t.Problems, r.Advice.Problem)
	}
	if len(t.Who) < mostWho {
		t.Who = append(t.Who, r.Name)
	} else {
		t.More++
	}
}

// explained is an entry of the list of reasons, which alerts link to.
type explained struct{ ID, Name, Happened, Fix string }

// explainedReasons returns NOT_SYNCED, which is not a reason but is alerted on too,
// and all reasons.
func explainedReasons() []explained {
	down := advice.OfNotSynced()
	all := []explained{{"not_synced", string(opsmanager.NotSynced), down.Problem, down.Fix}}
	for _, r := range slices.Sorted(slices.Values(opsmanager.Reasons())) {
		all = append(all, explained{"reason-" + string(r), string(r), r.Meaning(), r.Fix()})
	}
	return all
}
