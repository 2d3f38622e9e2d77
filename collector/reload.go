package collector

import (
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsmanager_exporter/collector/lastgood"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/scheduler"
	"opsmanager_exporter/config"
)

// How many file reads are under way at once, stuck ones included: over all, and
// for one Ops Manager, so that its file system takes no other's reads along.
const (
	maxReads       = 32
	maxTargetReads = 8
)

// Exporter is what outlives scrapes and reloads. It may be used concurrently.
type Exporter struct {
	logger    *slog.Logger
	userAgent string
	registry  *prometheus.Registry // the exporter's own metrics, without the API's
	reload    *reloadMetrics
	sessions  *opsmanager.Sessions
	reads     *lastgood.Reads
	targets   atomic.Pointer[Targets]
	reloaded  atomic.Pointer[Reload]
	checking  atomic.Bool // files are being checked after a load
	snapshots snapshots

	loading    sync.Mutex                      // held by Load, so that the newest file is applied last
	mu         sync.Mutex                      // held by Apply and Close
	schedulers []*scheduler.Scheduler[reading] // in use, or with polls still running
}

// NewExporter returns an exporter without any organization; [Exporter.Load] or
// [Exporter.Apply] gives it some. version goes into the User-Agent. It starts no
// goroutine.
func NewExporter(logger *slog.Logger, version string) *Exporter {
	e := &Exporter{
		logger:    logger,
		userAgent: "opsmanager_exporter/" + version,
		registry:  prometheus.NewRegistry(),
		sessions:  opsmanager.NewSessions(),
		reads:     lastgood.NewReads(maxReads, nil),
	}
	e.reload = newReloadMetrics(e.registry)
	e.targets.Store(&Targets{exporter: e})
	e.reloaded.Store(&Reload{})
	return e
}

// Registerer takes metrics about the exporter itself. They are among those of
// [Targets.Metrics].
func (e *Exporter) Registerer() prometheus.Registerer { return e.registry }

// Targets returns what the configuration in use asks for.
func (e *Exporter) Targets() *Targets { return e.targets.Load() }

// Load reads a configuration file and puts it into use. It returns all that is
// wrong with the file, one line for each problem, and then changes nothing but
// the metric that tells so. Whatever else the configuration is worth a warning
// for, and files that it names and that cannot be read yet, is logged.
func (e *Exporter) Load(file string) error {
	e.loading.Lock()
	defer e.loading.Unlock()
	cfg, err := config.Load(file)
	if err != nil {
		e.reload.successful.Set(0)
		failed := *e.reloaded.Load()
		failed.Tried, failed.Err = time.Now(), err
		e.reloaded.Store(&failed)
		return err
	}
	e.Apply(cfg)
	e.logger.Info("Configuration loaded", "file", file, "ops_managers", len(cfg.OpsManagers), "organizations", len(e.Targets().orgs))
	if e.checking.CompareAndSwap(false, true) {
		go func() { // a file system that does not answer must not hold up the rest
			defer e.checking.Store(false)
			for _, w := range cfg.Warnings() {
				e.logger.Warn("Configuration warning", "warning", w)
			}
			for _, err := range cfg.CheckFiles() {
				e.logger.Warn("Configured file cannot be used yet", "err", err)
			}
		}()
	}
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
	old := e.Targets()
	next := &Targets{exporter: e, byID: make(map[string]*organization)}
	for i := range cfg.OpsManagers {
		settings := &cfg.OpsManagers[i]
		t := old.predecessor(*settings, cfg)
		if t == nil || !t.serves(*settings) {
			t = e.newTarget(*settings, t)
		}
		next.list = append(next.list, t)
		places := make([]*scheduler.Place, len(settings.Orgs))
		for i, c := range settings.Orgs {
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
	e.retire(old, next)
	now := time.Now()
	e.reload.successful.Set(1)
	e.reload.timestamp.Set(seconds(now))
	e.reloaded.Store(&Reload{File: cfg.File, Loaded: now, Tried: now})
}

// retire lets go of what no configuration needs any more. Polls in flight go on.
func (e *Exporter) retire(old, next *Targets) {
	inUse := make(map[*scheduler.Scheduler[reading]]bool)
	kept := make(map[*target]bool)
	for _, t := range next.list {
		inUse[t.scheduler], kept[t] = true, true
	}
	for _, t := range old.list {
		if !kept[t] {
			t.client.Close()
		}
	}
	var schedulers []*scheduler.Scheduler[reading]
	for _, s := range e.schedulers {
		if inUse[s] || !s.Idle() {
			schedulers = append(schedulers, s)
		}
	}
	e.schedulers = schedulers
}

// Close cancels all polls in flight, those of replaced configurations included,
// starts none of those that wait, and closes the idle connections. Scrapes that
// still run end at once, with what is known. The exporter must not be used
// afterwards.
func (e *Exporter) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.schedulers {
		s.Close()
	}
	for _, t := range e.Targets().list {
		t.client.Close()
	}
}
