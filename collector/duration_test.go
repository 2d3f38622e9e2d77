package collector_test

import (
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/wait"
)

// The duration of a poll that a scrape joined counts from the start of that scrape.
func TestDurationOfAJoinedPoll(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 1})
	release := make(chan struct{})
	f.sim.SetOrg(orgID(0), simulator.Org{Answer: held(release)})
	first := make(chan time.Duration)
	go func() {
		results, _ := f.exporter.Targets().Poll(t.Context(), nil)
		first <- results.Orgs[0].Duration
	}()
	wait.For(t, "the poll is under way", func() bool { return f.sim.OrgCounts(orgID(0)).InFlight == 1 })
	const head = 50 * time.Millisecond
	time.Sleep(head)
	begun := time.Now()
	results, _ := f.exporter.Targets().Poll(t.Context(), func(string) { close(release) }) // the only step: joined
	if got, most := results.Orgs[0].Duration, time.Since(begun); got <= 0 || got > most {
		t.Errorf("the second scrape took %s, its poll %s", most, got)
	}
	if got := <-first; got < head {
		t.Errorf("the poll of the first scrape took %s, at least %s", got, head)
	}
}
