package collector

import (
	"context"
	"errors"
	"slices"
	"sync"

	"opsmanager_exporter/collector/opsmanager"
)

// Poll polls every organization once, until the deadline of ctx if it has one, and
// returns false if ctx was canceled. It counts as a scrape. trace, unless nil, is
// called concurrently with the steps of the polls.
func (t *Targets) Poll(ctx context.Context, trace opsmanager.Trace) (Results, bool) {
	answers := t.poll(ctx, trace)
	if cancelled(ctx) {
		return Results{}, false
	}
	return t.settle(answers), true
}

// cancelled reports whether the client of a scrape is gone. Such a scrape does not
// count as failed.
func cancelled(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

// poll polls the organizations until the deadline of ctx, each Ops Manager
// separately, and returns their answers in the same order.
func (t *Targets) poll(ctx context.Context, trace opsmanager.Trace) []answer {
	shares := make([][]answer, 0, len(t.list)) // filled only when the polls end, to save memory
	var wg sync.WaitGroup
	for rest := t.orgs; len(rest) > 0; {
		target, n := rest[0].target, 1
		for n < len(rest) && rest[n].target == target { // consecutive in the configuration
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

// settle records the answers of a scrape in the histories, logs what changed, and
// returns the results. An answer can be retracted until then (see
// [opsmanager.Reading.Retracted]), so settle is called right before the scrape is
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
