package collector_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/wait"
)

// A scrape responds by its deadline with what it has read, and with nothing that was
// read before. Organizations that it did not poll are first in the next one.
func TestTimeRunsOut(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	const orgs, answered = 60, 40
	wait.Growing(t, time.Second, func(limit time.Duration) error {
		f := start(t, settings{orgs: orgs, concurrency: 2})
		if got := f.states(t, f.scrape(t, "60"))["1"]; got != orgs {
			t.Fatalf("%d organizations before time runs out", got)
		}
		// From now on, every link is down, and this many requests get a response in time.
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
			// A reload keeps the order too, whether all settings or only a team change.
			if f.manager.Team = fmt.Sprint("team ", round); round == 0 {
				f.manager.Timeout = 2*limit + time.Second
			}
			f.apply()
			release := make(chan struct{})
			budget.Store(answered)
			for i := range orgs {
				f.sim.SetOrg(orgID(i), simulator.Org{Answer: down(release)})
			}
			begun := time.Now()
			s := f.scrape(t, fmt.Sprint(limit.Seconds()))
			took := time.Since(begun)
			close(release)
			wait.For(t, "all requests end", func() bool { return f.sim.Counts().InFlight == 0 })
			if took > 2*limit {
				return fmt.Errorf("round %d: the scrape took %s", round, took)
			}
			counts := make(map[string]int)
			for i := range orgs {
				state := s.State(t, orgID(i))
				counts[state]++
				if left[orgID(i)] && state != "0" {
					return fmt.Errorf("round %d: organization %d was left out twice: %s", round, i, state)
				}
				left[orgID(i)] = state != "0"
			}
			want := map[string]int{"0": answered, "timeout": 2, "not_reached": orgs - answered - 2}
			if !maps.Equal(counts, want) {
				return fmt.Errorf("round %d: states %v, want %v", round, counts, want)
			}
		}
		return nil
	})
}

// Organizations that hang are polled last, but they are polled, and slots that they
// hold beyond the end of a scrape do not cost the next one its samples.
func TestHungOrganizations(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	const hung, orgs = 8, 30
	wait.Growing(t, 250*time.Millisecond, func(limit time.Duration) error {
		f := start(t, settings{orgs: orgs, concurrency: 4, timeout: limit * 6 / 5})
		scrape := func() map[string]int { return f.states(t, f.scrape(t, fmt.Sprint(limit.Seconds()))) }
		for i := range hung {
			f.sim.SetOrg(orgID(i), simulator.Org{Answer: simulator.Hang()})
		}
		// In the first scrape they hold all slots, longer than a scrape may take.
		for round := 0; scrape()["1"] != orgs-hung; round++ {
			if round == 10 {
				return errors.New("the organizations that hang still cost others their samples")
			}
		}
		for round := range 5 {
			if got := scrape(); got["1"] != orgs-hung {
				return fmt.Errorf("round %d: states %v", round, got)
			}
		}
		for i := range hung {
			f.sim.SetOrg(orgID(i), simulator.Org{})
		}
		for round := 0; ; round++ {
			got := scrape()
			if got["1"] == orgs {
				return nil
			}
			if round == 10 {
				return fmt.Errorf("states long after the recovery: %v", got)
			}
		}
	})
}

// With one slot, an organization that hangs is retried occasionally, even if every
// scrape runs out of time.
func TestOneSlot(t *testing.T) {
	t.Parallel()
	const orgs = 12
	wait.Growing(t, 150*time.Millisecond, func(limit time.Duration) error {
		f := start(t, settings{orgs: orgs, concurrency: 1, timeout: limit})
		scrape := func() samples { return f.scrape(t, fmt.Sprint(2*limit.Seconds())) }
		f.sim.SetOrg(orgID(0), simulator.Org{Answer: simulator.Hang()})
		for i := 1; i < orgs; i++ {
			f.sim.SetOrg(orgID(i), simulator.Org{Delay: limit / 3})
		}
		scrape()
		f.sim.SetOrg(orgID(0), simulator.Org{})
		for range 8 {
			if scrape().State(t, orgID(0)) == "1" {
				return nil
			}
		}
		return errors.New("the organization that recovered was not polled in eight scrapes")
	})
}
