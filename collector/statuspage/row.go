package statuspage

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
)

// row is an organization as the table shows it.
type row struct {
	ID, Name, OpsManager, Team string

	State   state
	Words   string // of the state
	Reason  string // "" unless the state is unknown
	Stale   bool
	Since   *moment
	AtLeast bool   // it may have been so before that
	Read    string // where the state is unknown, when a status was last read
	Polled  *moment
	Took    string
	Advice  advice.Advice // empty where all is well
	ToDo    string        // ID of the advice on the page
	Probe   string
}

func (h *handler) row(l *link, now time.Time) row {
	r := row{
		ID: l.ID, Name: l.Name, OpsManager: l.OpsManager, Team: l.Team,
		State: l.state, Words: l.state.words(), Reason: string(l.reason), Stale: l.stale(now),
		Since: momentOf(l.Since, now), AtLeast: l.AtLeast, Polled: momentOf(l.Polled, now), Took: took(l.Duration),
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

// toDo is what to do about a kind of trouble, and who is in it.
type toDo struct {
	ID       string
	State    state
	Words    string
	Reason   string
	Problems []string // different ones that the same fix helps against; the first few
	Fix      string
	Who      []string // the first few
	More     int      // further ones
}

const (
	mostProblems = 3
	mostWho      = 5
)

// toDoFor returns what to do about the organizations of the table, each kind of
// trouble once, and has their rows refer to it.
func toDoFor(rows []row) []toDo {
	type kind struct {
		state       state
		reason, fix string
	}
	var all []toDo
	known := make(map[kind]int)
	named := make(map[string]int) // how many begin with this ID
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

// explained is a reason as the page explains it to who follows a link from
// elsewhere.
type explained struct{ ID, Name, Happened, Fix string }

// explainedReasons returns all reasons, and first what else somebody is told about.
func explainedReasons() []explained {
	down := advice.OfNotSynced()
	all := []explained{{"not_synced", string(opsmanager.NotSynced), down.Problem, down.Fix}}
	for _, r := range slices.Sorted(slices.Values(opsmanager.Reasons())) {
		all = append(all, explained{"reason-" + string(r), string(r), r.Meaning(), r.Fix()})
	}
	return all
}
