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

// maxReads is how many file reads of one Ops Manager may be under way, stuck ones
// included: far less than [config.Files] has for all of them, so that a file
// system that does not answer costs no other Ops Manager its reads.
const maxReads = 8

// Exporter is what outlives scrapes and reloads. It may be used concurrently.
type Exporter struct {
	shared
	registry  *prometheus.Registry // the exporter's own metrics, without the API's
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
	File   string    // "" where there is none
	Loaded time.Time // when the configuration in use was loaded
	Tried  time.Time // when a load was last tried
	Err    error     // of that try; nil if it succeeded
}

// NewExporter returns an exporter without any organization; [Exporter.Load] or
// [Exporter.Apply] gives it some. version goes into the User-Agent. It starts no
// goroutine.
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

// Registerer takes metrics about the exporter itself. They are among those of
// [Targets.Metrics].
func (e *Exporter) Registerer() prometheus.Registerer { return e.registry }

// Targets returns what the configuration in use asks for.
func (e *Exporter) Targets() *Targets { return e.targets.Load() }

// Load reads a configuration file and puts it into use. It returns all problems
// of the file, one line each, and then changes nothing but the metric that says
// so. Warnings, and configured files that cannot be read yet, are logged.
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
	go func() { // a file system that does not respond must not hold up the rest
		for _, w := range cfg.Warnings() {
			e.logger.Warn("Configuration warning", "warning", w)
		}
		for _, err := range cfg.CheckFiles() {
			e.logger.Warn("Configured file cannot be used yet", "err", err)
		}
	}()
	return nil
}

// Apply puts a configuration into use. Scrapes in flight finish with the one
// that they started with. Ops Managers and organizations that stay as they are
// keep connections, nonces and polls in flight; an Ops Manager whose settings
// change keeps its slots, for old and new polls together; what is counted for an
// organization is kept as long as its ID is configured.
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

// release closes the connections of the targets that are replaced, and forgets
// their schedulers unless polls still run there.
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

// Close cancels all polls in flight, those of replaced configurations included,
// drops those that are waiting, and closes the idle connections. Scrapes that are
// still running end with what is known. Neither the exporter nor its targets may
// be used afterwards.
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
