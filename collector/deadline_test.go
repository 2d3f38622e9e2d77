package collector_test

import (
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
)

// A scrape answers by its deadline with all that is known by then, and those
// that it leaves out come first in the next one.
func TestTimeRunsOut(t *testing.T) {
	t.Parallel()
	const orgs = 60
	f := start(t, settings{orgs: orgs, concurrency: 2, timeoutOffset: time.Second})
	for i := range orgs {
		f.sim.SetOrg(orgID(i), simulator.Org{Delay: 100 * time.Millisecond})
	}
	// About 40 of 60 fit into one scrape.
	begun := time.Now()
	first := f.scrape(t, "3")
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("the scrape took %s, its announced timeout is 3s", took)
	}
	second := f.scrape(t, "3")
	reached := 0
	for i := range orgs {
		a, b := first.State(t, orgID(i)), second.State(t, orgID(i))
		if a == "1" {
			reached++
		}
		if a == "not_reached" && b != "1" {
			t.Errorf("organization %d: %s and then %s", i, a, b)
		}
	}
	if reached == 0 || reached == orgs {
		t.Errorf("the first scrape reached %d of %d: it should have reached some", reached, orgs)
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
