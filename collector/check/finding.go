package check

import (
	"crypto/tls"
	"errors"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// target is an organization, its Ops Manager and what reads their files.
type target struct {
	files   *config.Files
	manager *config.OpsManager
	org     *config.Org
}

// targetsOf returns all organizations in the order of the configuration, which is
// that of the results of a poll.
func targetsOf(files *config.Files, cfg *config.Config) []target {
	var all []target
	for i := range cfg.OpsManagers {
		m := &cfg.OpsManagers[i]
		for j := range m.Orgs {
			all = append(all, target{files: files, manager: m, org: &m.Orgs[j]})
		}
	}
	return all
}

// finding is the result of polling one organization.
type finding struct {
	target
	status   opsmanager.Status // "" if unknown
	duration time.Duration
	reason   opsmanager.Reason // why it is unknown; "" if it is known
	advice                     // empty if it is known
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

// errorOf returns the error of a failed poll with its reason.
func errorOf(err error) *opsmanager.Error {
	if e, ok := errors.AsType[*opsmanager.Error](err); ok {
		return e
	}
	return &opsmanager.Error{Reason: opsmanager.ReasonOf(err), Err: err}
}

// name returns the configured name of the organization in a printable form.
func (t *target) name() string { return printable(t.org.Name) }

// tlsConfig returns the TLS configuration of the Ops Manager as it is now, nil if
// one of its files cannot be used.
func (t *target) tlsConfig() *tls.Config { return tlsConfig(t.files, t.manager) }
