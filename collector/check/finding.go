package check

import (
	"errors"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// target is an organization and the Ops Manager that it belongs to.
type target struct {
	manager *config.OpsManager
	org     *config.Org
}

// targetsOf returns all organizations in the order of the configuration, which
// is the order of the results of a poll.
func targetsOf(cfg *config.Config) []target {
	var all []target
	for i := range cfg.OpsManagers {
		m := &cfg.OpsManagers[i]
		for j := range m.Orgs {
			all = append(all, target{manager: m, org: &m.Orgs[j]})
		}
	}
	return all
}

// finding is what the poll of one organization gave.
type finding struct {
	target
	status   opsmanager.Status // "" if it is unknown
	duration time.Duration
	reason   opsmanager.Reason // why it is unknown; "" if it is not
	advice                     // empty if it is not
}

// advice is a failure in an operator's words.
type advice struct {
	problem string // what happened
	fix     string // what to do
}

func findingsOf(targets []target, results []collector.Result, now time.Time) []finding {
	all := make([]finding, len(results))
	for i, r := range results {
		f := finding{target: targets[i], status: r.Status, duration: r.Duration}
		if r.Err != nil {
			t := &trouble{target: f.target, err: errorOf(r.Err), now: now}
			f.reason, f.advice = t.err.Reason, t.advice()
		}
		all[i] = f
	}
	return all
}

// errorOf returns the typed error of a failed poll.
func errorOf(err error) *opsmanager.Error {
	if e, ok := errors.AsType[*opsmanager.Error](err); ok {
		return e
	}
	return &opsmanager.Error{Reason: opsmanager.ReasonOf(err), Err: err}
}

// name returns the configured name of the organization, as it can be printed.
func (t *target) name() string { return printable(t.org.Name) }
