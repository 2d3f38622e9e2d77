package collector

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/lastgood"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/scheduler"
	"opsmanager_exporter/config"
)

// shared is what all targets share. It outlives configurations.
type shared struct {
	logger    *slog.Logger
	userAgent string
	sessions  *opsmanager.Sessions
	files     *config.Files
}

// target is one Ops Manager: its client with connections, its credentials and its
// scheduler. A reload that does not change its settings does not replace it.
type target struct {
	settings  config.OpsManager // see ownSettings
	client    *opsmanager.Client
	scheduler *scheduler.Scheduler[reading]
	reads     *lastgood.Reads
	key       *lastgood.Value[config.KeyPair] // nil if every organization has its own
	tls       *lastgood.Value[*config.TLSMaterial]
	metrics   *apiMetrics
	version   atomic.Pointer[string] // last reported; nil if never

	mu          sync.Mutex
	tlsConfig   *tls.Config       // used by the client; nil before the first poll; not modified
	fingerprint [sha256.Size]byte // of the files that tlsConfig was made from
}

// organization is one organization of a target. It is replaced when its
// configuration changes or its target is replaced.
type organization struct {
	config  config.Org // Team is its own or that of its Ops Manager
	name    string     // the ID if no name is configured
	target  *target
	key     *lastgood.Value[config.KeyPair] // nil to use that of the target
	place   *scheduler.Place[reading]
	history *history
}

// newTarget returns a target that is ready to be polled. before is the target that
// it replaces, or nil: request slots are shared with it, unchanged file settings keep
// the last good contents, and TLS sessions with the same server are kept too.
func (s *shared) newTarget(settings config.OpsManager, before *target) *target {
	settings = ownSettings(settings)
	t := &target{settings: settings}
	if before != nil {
		t.scheduler, t.reads = before.scheduler, before.reads
		if reflect.DeepEqual(before.settings.URL, settings.URL) {
			t.version.Store(before.version.Load())
		}
	} else {
		t.scheduler = scheduler.New[reading]()
		t.reads = lastgood.NewReads(maxReads)
	}
	if before != nil && before.settings.Name == settings.Name {
		t.metrics = before.metrics
	} else {
		t.metrics = newAPIMetrics(settings.Name)
	}
	t.client = opsmanager.NewClient(opsmanager.Options{
		URL:                     settings.URL,
		Timeout:                 settings.Timeout,
		MaxConnections:          settings.MaxConcurrentRequests,
		NewConnectionPerRequest: settings.DisableKeepAlives,
		Proxy:                   settings.Proxy.Func(),
		ProxyConnectHeader:      settings.Proxy.ConnectHeader(),
		UserAgent:               s.userAgent,
		Sessions:                s.sessions,
		Observe:                 t.observe,
	})
	logger := s.logger.With("ops_manager", settings.Name)
	t.tls = lastgood.New(func() (*config.TLSMaterial, error) { return s.files.ReadTLS(settings.TLS) }, t.reads, logger)
	if before != nil && reflect.DeepEqual(before.settings.TLS, settings.TLS) {
		t.tls = before.tls
		if reflect.DeepEqual(before.settings.URL, settings.URL) {
			before.mu.Lock()
			t.useTLS(before.tlsConfig, before.fingerprint)
			before.mu.Unlock()
		}
	}
	if settings.Credentials != nil {
		t.key = s.key(settings.Credentials, t.reads, logger)
		if before != nil && reflect.DeepEqual(before.settings.Credentials, settings.Credentials) {
			t.key = before.key
		}
	}
	return t
}

// newOrganization returns an organization of t. before is the one with the same ID
// that it replaces, or nil.
func (s *shared) newOrganization(c config.Org, before *organization, t *target) *organization {
	org := &organization{config: c, name: cmp.Or(c.Name, c.ID), target: t, history: new(history)}
	var place *scheduler.Place[reading]
	if before != nil {
		org.history = before.history
		if before.target.scheduler == t.scheduler {
			place = before.place
		}
	}
	org.place = t.scheduler.NewPlace(place)
	if c.Credentials != nil {
		org.key = s.key(c.Credentials, t.reads, s.logger.With("ops_manager", t.settings.Name, "org_id", c.ID))
		if before != nil && reflect.DeepEqual(before.config.Credentials, c.Credentials) {
			org.key = before.key
		}
	}
	return org
}

// key returns the last good value of credentials.
func (s *shared) key(k *config.Credentials, reads *lastgood.Reads, logger *slog.Logger) *lastgood.Value[config.KeyPair] {
	return lastgood.New(func() (config.KeyPair, error) { return s.files.ReadKey(k) }, reads, logger)
}

// serves reports whether t has these settings.
func (t *target) serves(settings config.OpsManager) bool {
	return reflect.DeepEqual(t.settings, ownSettings(settings))
}

// ownSettings returns the settings without those of the organizations, whose
// changes must not close connections.
func ownSettings(m config.OpsManager) config.OpsManager {
	m.Orgs, m.Team = nil, ""
	return m
}

// patience returns how long a poll waits for files.
func (t *target) patience() time.Duration { return t.settings.Timeout / 4 }

// poll polls organizations of t and returns their answers in the same order, at the
// latest when ctx is done, which does not cancel the polls. trace, unless nil, is
// called with their steps.
func (t *target) poll(ctx context.Context, orgs []*organization, trace opsmanager.Trace) []answer {
	begun := time.Now()
	// Files are read at most once per scrape, by the first poll that needs them.
	refresh := sync.OnceValue(t.refreshTLS)
	var shared func() (config.KeyPair, error)
	if t.key != nil {
		shared = sync.OnceValues(func() (config.KeyPair, error) { return t.key.Get(t.patience()) })
	}
	round := t.client.Round()
	polls := make([]*scheduler.Poll[reading], len(orgs))
	for i, org := range orgs {
		key := shared
		if org.key != nil {
			key = func() (config.KeyPair, error) { return org.key.Get(t.patience()) }
		}
		polls[i] = &scheduler.Poll[reading]{
			Place: org.place, Timeout: t.settings.Timeout,
			Ask: func(ctx context.Context) (reading, scheduler.Outcome) {
				if trace != nil {
					trace("acquired a request slot")
					ctx = opsmanager.WithTrace(ctx, trace)
				}
				r := t.ask(ctx, round, org.config.ID, refresh, key)
				return r, outcomeOf(r.err)
			},
		}
		if trace != nil {
			polls[i].Traced = true
			polls[i].Joined = func() {
				trace("joined a poll that another scrape had started; its earlier steps are not shown")
			}
		}
	}
	standings := t.scheduler.Poll(ctx, polls)
	over := time.Now()

	answers := make([]answer, len(orgs))
	for i, s := range standings {
		a := &answers[i]
		switch {
		case s.Answered:
			a.reading, a.at = s.Result, s.Ended
		case s.Started.IsZero():
			a.err, a.at = &opsmanager.Error{Reason: opsmanager.ReasonNotReached, Err: errNotReached}, over
		default:
			a.err, a.at = &opsmanager.Error{Reason: opsmanager.ReasonTimeout, Err: advice.ErrScrapeOver}, over
		}
		start := begun
		if s.Started.After(begun) {
			start = s.Started
		}
		a.duration = a.at.Sub(start)
	}
	return answers
}

var errNotReached = errors.New("no request slot became free before the deadline")

// ask reads the status of one organization. The caller holds a request slot.
func (t *target) ask(ctx context.Context, round opsmanager.Round, orgID string, refreshTLS func() error, key func() (config.KeyPair, error)) reading {
	if err := refreshTLS(); err != nil {
		return reading{err: &opsmanager.Error{Reason: opsmanager.ReasonTLS, Err: &advice.FileError{Err: err}}}
	}
	pair, err := key()
	if err != nil {
		return reading{err: &opsmanager.Error{Reason: opsmanager.ReasonCredentials, Err: err}}
	}
	r, err := round.MigrationLinkStatus(ctx, pair, orgID)
	return reading{Reading: r, err: err}
}

// advice returns the advice for an answer about the organization, which is empty if
// the link is synced.
func (o *organization) advice(a answer) advice.Advice {
	switch {
	case a.err == nil && a.Status == opsmanager.NotSynced:
		return advice.OfNotSynced()
	case a.err == nil:
		return advice.Advice{}
	}
	t := o.target
	key := cmp.Or(o.key, t.key)
	failed := advice.Trouble{Err: a.err, At: a.at, Manager: &t.settings, OwnKey: o.key != nil}
	if key != nil {
		failed.Key = key.Last()
	}
	t.mu.Lock()
	failed.TLS = t.tlsConfig
	t.mu.Unlock()
	return advice.Of(failed)
}

func outcomeOf(err error) scheduler.Outcome {
	if err == nil {
		return scheduler.Answered
	}
	switch opsmanager.ReasonOf(err) {
	case opsmanager.ReasonTimeout:
		return scheduler.TimedOut
	case opsmanager.ReasonRateLimited:
		return scheduler.Refused
	}
	return scheduler.Answered
}

// refreshTLS makes the client use the current contents of the certificate files.
func (t *target) refreshTLS() error {
	material, err := t.tls.Get(t.patience())
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tlsConfig != nil && t.fingerprint == material.Fingerprint {
		return nil
	}
	next := material.Config.Clone() // other targets may share the material
	// Resumed TLS sessions are not verified against the CAs again, so the session
	// cache belongs to the TLS configuration. It survives a reload that replaces the
	// client.
	next.ClientSessionCache = tls.NewLRUClientSessionCache(0) // default size
	t.useTLS(next, material.Fingerprint)
	return nil
}

// useTLS makes the client use a TLS configuration, unless it is nil. The caller holds
// the mutex, or t is not in use yet.
func (t *target) useTLS(next *tls.Config, fingerprint [sha256.Size]byte) {
	if next == nil {
		return
	}
	t.client.SetTLS(next)
	t.tlsConfig, t.fingerprint = next, fingerprint
}

func (t *target) observe(e opsmanager.Exchange) {
	t.metrics.observe(e)
	if e.Version != "" {
		t.version.Store(&e.Version)
	}
}
