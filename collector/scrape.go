package collector

import (
	"context"
	"errors"
	"slices"
	"sync"

	"opsmanager_exporter/collector/opsmanager"
)

// Poll polls every organization once, by the deadline of ctx if it has one, and
// returns false if ctx was cancelled. It counts as a scrape. trace is told the
// steps of the polls, concurrently; nil if nobody wants to know.
func (t *Targets) Poll(ctx context.Context, trace opsmanager.Trace) (Results, bool) {
	answers := t.poll(ctx, trace)
	if cancelled(ctx) {
		return Results{}, false
	}
	return t.settle(answers), true
}

// cancelled reports whether nobody waits for a scrape any more: then it is no
// scrape that failed.
func cancelled(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// poll polls the organizations by the deadline of ctx, each Ops Manager on its
// own, and returns what they gave, in their order.
func (t *Targets) poll(ctx context.Context, trace opsmanager.Trace) []answer {
	shares := make([][]answer, 0, len(t.list)) // they take memory from the end of the polls on, not before
	var wg sync.WaitGroup
	for rest := t.orgs; len(rest) > 0; {
		target, n := rest[0].target, 1
		for n < len(rest) && rest[n].target == target { // they follow each other in the configuration
			n++
		}
		orgs := rest[:n]
		shares = append(shares, nil)
		share := &shares[len(shares)-1]
		wg.Go(func() { *share = target.poll(ctx, orgs, trace) })
		rest = rest[n:]
	}
	wg.Wait()
	return slices.Concat(shares...)
}

// settle takes the answers of a scrape into the histories, logs what changed,
// and returns the results. A value is only one as long as the connection that it
// came over is not in doubt, so this is called when the scrape is about to be
// exposed.
func (t *Targets) settle(answers []answer) Results {
	results := Results{Orgs: make([]Result, len(answers))}
	var changes []change
	for i, org := range t.orgs {
		a := answers[i]
		if err := a.Retracted(); a.err == nil && err != nil {
			a.reading = reading{err: err}
		}
		failures, lastSuccess, news := org.history.add(a)
		r := Result{
			OrgID: org.config.ID, OrgName: org.name, OpsManager: org.target.settings.Name, Team: org.config.Team,
			Status: a.Status, Err: a.err, Duration: a.duration,
			Errors: failures, LastSuccess: lastSuccess,
		}
		results.Orgs[i] = r
		if news != newsNone || a.err != nil {
			changes = append(changes, change{org: org, news: news, result: r})
		}
	}
	t.scrapes.Add(1)
	for _, target := range t.list {
		if v := target.version.Load(); v != nil {
			results.Servers = append(results.Servers, Server{OpsManager: target.settings.Name, Version: *v})
		}
	}
	logChanges(t.logger, changes)
	return results
}
