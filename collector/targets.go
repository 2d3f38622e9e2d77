package collector

import (
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsmanager_exporter/config"
)

// Targets are the Ops Managers and organizations of one configuration, or some of
// them. They are not modified, so a scrape uses the same ones from start to end, and
// they are safe for concurrent use.
type Targets struct {
	logger  *slog.Logger
	own     prometheus.Collector // the exporter's own metrics
	scrapes *atomic.Uint64       // number of settled scrapes, for snapshots
	list    []*target
	orgs    []*organization // in the order of the configuration
	byID    map[string]*organization
}

// Org is a configured organization.
type Org struct {
	ID         string
	Name       string // the ID if no name is configured
	OpsManager string
	Team       string // "" if none is configured

	// Settings of its Ops Manager.
	URL                   string
	Timeout               time.Duration // of one poll
	MaxConcurrentRequests int
}

// Orgs returns the organizations in the order of the configuration.
func (t *Targets) Orgs() []Org {
	orgs := make([]Org, len(t.orgs))
	for i, o := range t.orgs {
		settings := &o.target.settings
		orgs[i] = Org{
			ID: o.config.ID, Name: o.name, OpsManager: settings.Name, Team: o.config.Team,
			URL: settings.URL.Redacted(), Timeout: settings.Timeout, MaxConcurrentRequests: settings.MaxConcurrentRequests,
		}
	}
	return orgs
}

// Only returns targets with only the organization that has this ID, in any letter
// case, or false if it is not configured.
func (t *Targets) Only(id string) (*Targets, bool) {
	org := t.byID[strings.ToLower(id)]
	if org == nil {
		return nil, false
	}
	return &Targets{
		logger: t.logger, own: t.own, scrapes: t.scrapes, list: []*target{org.target}, orgs: []*organization{org},
		byID: map[string]*organization{org.config.ID: org},
	}, true
}

// Metrics returns a collector of the metrics that outlive scrapes: those of the
// requests to these Ops Managers and of the exporter itself. It does not poll. To
// include the requests of a scrape, collect it after the polls: see [Options.Then].
func (t *Targets) Metrics() prometheus.Collector {
	all := collectors{t.own}
	for _, t := range t.list {
		all = append(all, t.metrics.registry)
	}
	return all
}

// predecessors returns, for each Ops Manager of a configuration, the target that it
// continues: the one with the same name or, if an Ops Manager was renamed, one with
// the same URL; nil for a new one. No target is continued twice.
func (t *Targets) predecessors(cfg *config.Config) []*target {
	found := make([]*target, len(cfg.OpsManagers))
	rest := slices.Clone(t.list)
	take := func(i int, continues func(*target) bool) {
		if at := slices.IndexFunc(rest, continues); at >= 0 && found[i] == nil {
			found[i] = rest[at]
			rest = slices.Delete(rest, at, at+1)
		}
	}
	for i := range cfg.OpsManagers {
		take(i, func(old *target) bool { return old.settings.Name == cfg.OpsManagers[i].Name })
	}
	for i := range cfg.OpsManagers {
		take(i, func(old *target) bool { return reflect.DeepEqual(old.settings.URL, cfg.OpsManagers[i].URL) })
	}
	return found
}
