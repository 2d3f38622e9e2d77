package collector_test

import (
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
)

// A scrape answers by its deadline with what it read by then, and with nothing
// that was read before. Those that it leaves out come first in the next one.
func TestTimeRunsOut(t *testing.T) {
	t.Parallel()
	const orgs, answered = 60, 40
	f := start(t, settings{orgs: orgs, concurrency: 2})
	if got := f.states(t, f.scrape(t, "10"))["1"]; got != orgs {
		t.Fatalf("%d organizations before time runs out", got)
	}
	// From now on every link is down, and so many requests are answered in time.
	var budget atomic.Int64
	down := func(release <-chan struct{}) simulator.Answer {
		return func(w http.ResponseWriter, r *http.Request) {
			if budget.Add(-1) < 0 {
				<-release
			}
			simulator.Status("NOT_SYNCED")(w, r)
		}
	}
	left := make(map[string]bool)
	for round := range 3 {
		// A reload keeps the order, too: of all settings, and of a team alone.
		if f.manager.Team = fmt.Sprint("team ", round); round == 0 {
			f.manager.Timeout += time.Second
		}
		f.apply()
		release := make(chan struct{})
		budget.Store(answered)
		for i := range orgs {
			f.sim.SetOrg(orgID(i), simulator.Org{Answer: down(release)})
		}
		begun := time.Now()
		s := f.scrape(t, "4")
		if took := time.Since(begun); took > 12*time.Second { // on a machine that is busy
			t.Errorf("round %d: the scrape took %s, its announced timeout is 4s", round, took)
		}
		close(release)
		for f.sim.Counts().InFlight > 0 {
			time.Sleep(time.Millisecond)
		}
		counts := make(map[string]int)
		for i := range orgs {
			state := s.State(t, orgID(i))
			counts[state]++
			if left[orgID(i)] && state != "0" {
				t.Errorf("round %d: organization %d was left out twice: %s", round, i, state)
			}
			left[orgID(i)] = state != "0"
		}
		want := map[string]int{"0": answered, "timeout": 2, "not_reached": orgs - answered - 2}
		if !maps.Equal(counts, want) {
			t.Errorf("round %d: states %v, want %v", round, counts, want)
		}
	}
}

// Organizations that hang are polled last, but are not forgotten, and what they
// hold beyond the end of a scrape does not cost the next one its samples.
func TestHungOrganizations(t *testing.T) {
	t.Parallel()
	const hung, orgs = 8, 30
	f := start(t, settings{orgs: orgs, concurrency: 4, timeout: 1200 * time.Millisecond})
	for i := range hung {
		f.sim.SetOrg(orgID(i), simulator.Org{Answer: simulator.Hang()})
	}
	// At first contact they hold all slots, longer than a scrape may take.
	known := func() bool { // all others answered in one scrape
		return f.states(t, f.scrape(t, "1"))["1"] == orgs-hung
	}
	for round := 0; !known(); round++ {
		if round == 10 {
			t.Fatal("the organizations that hang still cost others their samples")
		}
	}
	for round := range 5 {
		if got := f.states(t, f.scrape(t, "1")); got["1"] != orgs-hung {
			t.Errorf("round %d: states %v", round, got)
		}
	}
	for i := range hung {
		f.sim.SetOrg(orgID(i), simulator.Org{})
	}
	for round := 0; ; round++ {
		got := f.states(t, f.scrape(t, "1"))
		if got["1"] == orgs {
			break
		}
		if round == 10 {
			t.Fatalf("states long after the recovery: %v", got)
		}
	}
}

// With one slot an organization that hangs is tried again now and then, even
// where time runs out in every scrape.
func TestOneSlot(t *testing.T) {
	t.Parallel()
	const orgs = 12
	f := start(t, settings{orgs: orgs, concurrency: 1, timeout: 300 * time.Millisecond})
	f.sim.SetOrg(orgID(0), simulator.Org{Answer: simulator.Hang()})
	for i := 1; i < orgs; i++ {
		f.sim.SetOrg(orgID(i), simulator.Org{Delay: 100 * time.Millisecond})
	}
	f.scrape(t, "0.6")
	f.sim.SetOrg(orgID(0), simulator.Org{})
	for range 8 {
		if f.scrape(t, "0.6").State(t, orgID(0)) == "1" {
			return
		}
	}
	t.Error("the organization that recovered was not polled in eight scrapes")
}
