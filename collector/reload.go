package collector

import (
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/scheduler"
	"opsmanager_exporter/config"
)

// maxReads is the maximum number of concurrent file reads of one Ops Manager,
// including stuck ones. It is far below the limit of [config.Files] for all of them,
// so that a file system that does not respond does not block the reads of other Ops
// Managers.
const maxReads = 8

// Exporter holds the state that outlives scrapes and reloads. It is safe for
// concurrent use.
type Exporter struct {
	shared
	registry  *prometheus.Registry // the exporter's own metrics, without those of the API
	reload    *reloadMetrics
	targets   atomic.Pointer[Targets]
	reloaded  atomic.Pointer[Reload]
	snapshots snapshots

	loading    sync.Mutex // held by Load, so that the newest file is applied last
	mu         sync.Mutex // held by Apply and Close
	closed     bool
	schedulers []*scheduler.Scheduler[reading] // in use, or with polls still running
}

// Reload describes the last load of the configuration.
type Reload struct {
	File   string    // "" if there is none
	Loaded time.Time // when the configuration in use was loaded
	Tried  time.Time // when a load was last attempted
	Err    error     // of that attempt; nil if it succeeded
}

// NewExporter returns an exporter without any organizations; [Exporter.Load] and
// [Exporter.Apply] add them. version is sent in the User-Agent header. NewExporter
// starts no goroutines.
func NewExporter(logger *slog.Logger, version string) *Exporter {
	e := &Exporter{
		shared: shared{
			logger:    logger,
			userAgent: "opsmanager_exporter/" + version,
			sessions:  opsmanager.NewSessions(),
			files:     config.NewFiles(),
		},
		registry: prometheus.NewRegistry(),
	}
	e.reload = newReloadMetrics(e.registry)
	e.targets.Store(&Targets{logger: logger, own: e.registry, scrapes: &e.snapshots.scrapes})
	e.reloaded.Store(&Reload{})
	return e
}

// Registerer returns the registerer for metrics about the exporter itself, which
// [Targets.Metrics] includes.
func (e *Exporter) Registerer() prometheus.Registerer { return e.registry }

// Targets returns the targets of the configuration in use.
func (e *Exporter) Targets() *Targets { return e.targets.Load() }

// Load reads a configuration file and applies it. If the file has problems, Load
// returns them, one per line, and keeps the configuration in use; only the reload
// status changes. Warnings, and configured files that cannot be read yet, are
// logged.
func (e *Exporter) Load(file string) error {
	e.loading.Lock()
	defer e.loading.Unlock()
	cfg, err := e.files.Load(file)
	if err != nil {
		e.reload.successful.Set(0)
		failed := *e.reloaded.Load()
		failed.Tried, failed.Err = time.Now(), err
		e.reloaded.Store(&failed)
		return err
	}
	e.Apply(cfg)
	e.logger.Info("Configuration loaded", "file", file, "ops_managers", len(cfg.OpsManagers), "organizations", len(e.Targets().orgs))
	go func() { // a file system that does not respond must not block the caller
		for _, w := range cfg.Warnings() {
			e.logger.Warn("Possible problem in the configuration", "warning", w)
		}
		for _, err := range cfg.CheckFiles() {
			e.logger.Warn("A configured file cannot be used yet", "err", err)
		}
	}()
	return nil
}

// Apply applies a configuration. Scrapes in flight finish with the one that they
// started with. Unchanged Ops Managers and organizations keep their connections,
// nonces and polls in flight. An Ops Manager whose settings change keeps its request
// slots, which old and new polls share. The counts of an organization are kept as
// long as its ID is configured.
func (e *Exporter) Apply(cfg *config.Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	old := e.Targets()
	before := old.predecessors(cfg)
	next := &Targets{logger: e.logger, own: e.registry, scrapes: &e.snapshots.scrapes, byID: make(map[string]*organization)}
	for i := range cfg.OpsManagers {
		settings := &cfg.OpsManagers[i]
		t := before[i]
		if t == nil || !t.serves(*settings) {
			t = e.newTarget(*settings, t)
		}
		next.list = append(next.list, t)
		places := make([]*scheduler.Place[reading], len(settings.Orgs))
		for i, c := range settings.Orgs {
			c.Team = settings.TeamOf(&c)
			org := old.byID[c.ID]
			if org == nil || org.target != t || !reflect.DeepEqual(org.config, c) {
				org = e.newOrganization(c, org, t)
			}
			next.orgs = append(next.orgs, org)
			next.byID[c.ID] = org
			places[i] = org.place
		}
		t.scheduler.Configure(settings.MaxConcurrentRequests, places)
	}
	e.targets.Store(next)
	e.release(old, next)
	now := time.Now()
	e.reload.successful.Set(1)
	e.reload.timestamp.Set(seconds(now))
	e.reloaded.Store(&Reload{File: cfg.File, Loaded: now, Tried: now})
}

// release closes the connections of the targets that are replaced, and drops their
// schedulers once they have no running polls.
func (e *Exporter) release(old, next *Targets) {
	for _, t := range old.list {
		if !slices.Contains(next.list, t) {
			t.client.Close()
		}
	}
	e.schedulers = slices.DeleteFunc(e.schedulers, (*scheduler.Scheduler[reading]).Idle)
	for _, t := range next.list {
		if !slices.Contains(e.schedulers, t.scheduler) {
			e.schedulers = append(e.schedulers, t.scheduler)
		}
	}
}

// Close cancels all polls in flight, including those of replaced configurations,
// drops those that are waiting, and closes idle connections. Scrapes that are still
// running end with the results available. Neither the exporter nor its targets may be
// used afterwards.
func (e *Exporter) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, s := range e.schedulers {
		s.Close()
	}
	for _, t := range e.Targets().list {
		t.client.Close()
	}
}
