package collector

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// Exporter is what outlives scrapes and reloads. It may be used concurrently.
type Exporter struct {
	logger    *slog.Logger
	userAgent string
	registry  *prometheus.Registry // the exporter's own metrics, without the API's
	reload    *reloadMetrics
	sessions  *opsmanager.Sessions
	rendering chan struct{} // holds one for each scrape that is being rendered
	fleet     atomic.Pointer[fleet]
	reloaded  atomic.Pointer[Reload]

	loading sync.Mutex // held by Load, so that the newest file is applied last
	mu      sync.Mutex // held by Apply and Close
}

// fleet is all that one configuration asks for. It is not modified once it is in
// use: a scrape works with one fleet from beginning to end.
type fleet struct {
	managers []*manager
	byName   map[string]*manager
	orgs     []*organization
	byID     map[string]*organization
}

// NewExporter returns an exporter without any organization; [Exporter.Apply]
// gives it some. version goes into the User-Agent. It starts no goroutine.
func NewExporter(logger *slog.Logger, version string) *Exporter {
	e := &Exporter{
		logger:    logger,
		userAgent: "opsmanager_exporter/" + version,
		registry:  prometheus.NewRegistry(),
		sessions:  opsmanager.NewSessions(),
		rendering: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	e.reload = newReloadMetrics(e.registry)
	e.fleet.Store(&fleet{})
	e.reloaded.Store(&Reload{})
	return e
}

// Registerer takes metrics about the exporter itself, shown in /metrics behind
// those of the organizations.
func (e *Exporter) Registerer() prometheus.Registerer { return e.registry }

// Apply puts a configuration into use. Scrapes in flight end with the one that
// they began with; Ops Managers and organizations that stay as they are keep
// connections, nonces and polls in flight; what is counted for an organization
// stays as long as its ID is configured.
func (e *Exporter) Apply(cfg *config.Config) {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.fleet.Load()
	next := &fleet{byName: make(map[string]*manager), byID: make(map[string]*organization)}

	for i := range cfg.OpsManagers {
		settings := &cfg.OpsManagers[i]
		m := e.managerFor(old, settings)
		next.managers = append(next.managers, m)
		next.byName[settings.Name] = m
		members := make(map[*organization]bool, len(settings.Orgs))
		for _, c := range settings.Orgs {
			org := e.organizationFor(old, c, m, len(next.orgs))
			next.orgs = append(next.orgs, org)
			next.byID[c.ID] = org
			members[org] = true
		}
		m.queue.retain(members)
	}

	e.fleet.Store(next)
	for _, m := range old.managers {
		if next.byName[m.settings.Name] != m {
			m.client.Close()
		}
	}
	now := time.Now()
	e.reload.successful.Set(1)
	e.reload.timestamp.Set(seconds(now))
	e.reloaded.Store(&Reload{File: cfg.File, Loaded: now, Tried: now})
}

// Load reads a configuration file and puts it into use. A file with a problem
// changes nothing but the metric that tells so.
func (e *Exporter) Load(file string) error {
	e.loading.Lock()
	defer e.loading.Unlock()
	cfg, err := config.Load(file)
	if err != nil {
		e.reload.successful.Set(0)
		failed := *e.reloaded.Load()
		failed.Tried, failed.Err = time.Now(), err
		e.reloaded.Store(&failed)
		return err // one line for each problem, with the file's name
	}
	for _, w := range cfg.Warnings() {
		e.logger.Warn("Configuration can be used but should be changed", "warning", w)
	}
	e.Apply(cfg)
	go func() { // files on a file system that does not answer must not hold up the rest
		for _, err := range cfg.CheckFiles() {
			e.logger.Warn("A file that the configuration names cannot be used yet", "err", err)
		}
	}()
	e.logger.Info("Configuration loaded", "file", file, "ops_managers", len(cfg.OpsManagers), "organizations", len(e.fleet.Load().orgs))
	return nil
}

func (e *Exporter) managerFor(old *fleet, settings *config.OpsManager) *manager {
	before := old.byName[settings.Name]
	if before != nil && before.serves(*settings) {
		return before
	}
	return newManager(*settings, before, e.sessions, e.userAgent, e.logger)
}

func (e *Exporter) organizationFor(old *fleet, c config.Org, m *manager, index int) *organization {
	before := old.byID[c.ID]
	if before != nil && before.manager == m && reflect.DeepEqual(before.config, c) {
		return before
	}
	return newOrganization(c, before, m, index, e.logger)
}

// Close cancels the polls in flight and closes the idle connections. The
// exporter must not be used afterwards.
func (e *Exporter) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.fleet.Load().managers {
		m.close()
	}
}

// Poll polls every configured organization once, by the deadline of ctx if it
// has one. It counts as a scrape.
func (e *Exporter) Poll(ctx context.Context) Round {
	return e.scrape(ctx, e.fleet.Load().orgs, nil)
}

// scrape polls organizations by the deadline of ctx, each Ops Manager on its
// own, and takes what they gave into their records. trace is told the steps of
// the polls; nil if nobody wants to know.
func (e *Exporter) scrape(ctx context.Context, orgs []*organization, trace opsmanager.Trace) Round {
	type share struct {
		manager   *manager
		orgs      []*organization
		positions []int
		answers   []answer
	}
	shares := make(map[*manager]*share)
	var order []*share
	for i, org := range orgs {
		s := shares[org.manager]
		if s == nil {
			s = &share{manager: org.manager}
			shares[org.manager] = s
			order = append(order, s)
		}
		s.orgs = append(s.orgs, org)
		s.positions = append(s.positions, i)
	}
	var wg sync.WaitGroup
	for _, s := range order {
		wg.Go(func() { s.answers = s.manager.poll(ctx, s.orgs, trace) })
	}
	wg.Wait()

	if errors.Is(ctx.Err(), context.Canceled) {
		return Round{} // nobody reads it, so it is no scrape that failed
	}
	round := Round{Results: make([]Result, len(orgs))}
	var changes []change
	for _, s := range order {
		for i, org := range s.orgs {
			a := s.answers[i]
			failures, lastSuccess, news := org.record.add(a)
			r := Result{
				OrgID: org.config.ID, OrgName: org.name, OpsManager: s.manager.settings.Name,
				Status: a.status, Err: a.err, Duration: a.duration,
				Errors: failures, LastSuccess: lastSuccess,
			}
			round.Results[s.positions[i]] = r
			if news != newsNone || a.err != nil {
				changes = append(changes, change{org: org, news: news, result: r})
			}
		}
		if v := s.manager.version.Load(); v != nil {
			round.Servers = append(round.Servers, Server{OpsManager: s.manager.settings.Name, Version: *v})
		}
	}
	logChanges(e.logger, changes)
	return round
}
