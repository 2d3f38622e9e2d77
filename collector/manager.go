package collector

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// manager is one Ops Manager at work: its client with connections, its slots and
// its credentials. A reload that leaves its settings alone leaves it alone.
type manager struct {
	settings config.OpsManager // without organizations
	client   *opsmanager.Client
	queue    *queue
	key      *source[config.KeyPair] // nil if every organization has its own
	tls      *source[*config.TLSMaterial]
	api      *apiMetrics
	version  atomic.Pointer[string] // as last reported; nil before that

	mu       sync.Mutex
	material *config.TLSMaterial // that the client uses; nil before the first poll
}

// organization is one organization of an Ops Manager.
type organization struct {
	config  config.Org
	name    string // the ID where no name is configured
	manager *manager
	key     *source[config.KeyPair] // nil for its Ops Manager's
	record  *record
	index   int    // in the configuration, to begin with
	started uint64 // when its last poll started, by the queue's count; guarded by the queue
}

// newManager returns an Ops Manager ready to be polled. before is the one of the
// same name that it replaces, nil if there is none: key and TLS files that stay
// the same keep what was last read well, TLS sessions with the same server too.
func newManager(settings config.OpsManager, before *manager, sessions *opsmanager.Sessions, userAgent string, logger *slog.Logger) *manager {
	settings.Orgs = nil
	m := &manager{settings: settings}
	if before != nil {
		m.api = before.api
		m.version.Store(before.version.Load())
	} else {
		m.api = newAPIMetrics(settings.Name)
	}
	logger = logger.With("ops_manager", settings.Name)
	m.tls = &source[*config.TLSMaterial]{read: settings.TLS.Read, patience: settings.Timeout / 4, logger: logger}
	if before != nil && reflect.DeepEqual(before.settings.TLS, settings.TLS) {
		m.tls = before.tls
		if reflect.DeepEqual(before.settings.URL, settings.URL) {
			m.material = before.inUse()
		}
	}
	m.client = opsmanager.NewClient(opsmanager.Options{
		URL:                settings.URL,
		Timeout:            settings.Timeout,
		MaxConnections:     settings.MaxConcurrentRequests,
		Proxy:              settings.Proxy.Func(),
		ProxyConnectHeader: settings.Proxy.ConnectHeader(),
		UserAgent:          userAgent,
		Sessions:           sessions,
		Observe:            m.observe,
	})
	if m.material != nil { // otherwise the first poll reads the files
		m.client.SetTLS(m.material.Config)
	}
	m.queue = newQueue(settings.MaxConcurrentRequests, settings.Timeout, m.ask)
	if settings.APIKey != nil {
		m.key = &source[config.KeyPair]{read: settings.APIKey.Read, patience: settings.Timeout / 4, logger: logger}
		if before != nil && reflect.DeepEqual(before.settings.APIKey, settings.APIKey) {
			m.key = before.key
		}
	}
	return m
}

// serves tells whether m is what these settings ask for.
func (m *manager) serves(settings config.OpsManager) bool {
	settings.Orgs = nil
	return reflect.DeepEqual(m.settings, settings)
}

// poll polls organizations of m and returns what each of them gave by the
// deadline of ctx, in their order. It is cancelled with ctx; the polls are not.
// trace is told their steps; nil if nobody wants to know.
func (m *manager) poll(ctx context.Context, orgs []*organization, trace opsmanager.Trace) []answer {
	begun := time.Now()
	// Files are read at most once in a scrape, by the first poll that needs them.
	refresh := sync.OnceValue(m.refreshTLS)
	var shared func() (config.KeyPair, error)
	if m.key != nil {
		shared = sync.OnceValues(m.key.current)
	}
	wanted := make([]*poll, len(orgs))
	for i, org := range orgs {
		key := shared
		if org.key != nil {
			key = org.key.current
		}
		wanted[i] = &poll{org: org, prepare: refresh, key: key, trace: trace, done: make(chan struct{})}
	}

	polls := m.queue.join(ctx, wanted)
	for i, p := range polls {
		if trace != nil && p != wanted[i] {
			trace("joined a poll that another scrape had asked for; what it has done so far is not known here")
		}
	}
	// The last ones first: they start last, so that most have ended when it is
	// their turn, and this goroutine does not wake up for each poll.
	for _, p := range slices.Backward(polls) {
		select {
		case <-p.done:
		case <-ctx.Done():
		}
	}
	over := time.Now()
	stands := m.queue.leave(polls, errors.Is(ctx.Err(), context.DeadlineExceeded))

	answers := make([]answer, len(orgs))
	for i, p := range polls {
		start := begun
		if stands[i].started.After(begun) {
			start = stands[i].started
		}
		a := &answers[i]
		switch {
		case stands[i].answered:
			a.status, a.err, a.at = p.status, p.err, p.ended
		case stands[i].started.IsZero():
			a.err, a.at = &opsmanager.Error{Reason: opsmanager.ReasonNotReached, Err: errNotReached}, over
		default:
			a.err, a.at = &opsmanager.Error{Reason: opsmanager.ReasonTimeout, Err: errNotAnswered}, over
		}
		a.duration = a.at.Sub(start)
	}
	return answers
}

// answer is how one poll ended for one scrape.
type answer struct {
	status   opsmanager.Status
	err      error
	at       time.Time
	duration time.Duration
}

var (
	errNotReached  = errors.New("no slot came free before the deadline")
	errNotAnswered = errors.New("no whole answer before the deadline of the scrape")
)

// ask is a poll in its slot.
func (m *manager) ask(ctx context.Context, p *poll) (opsmanager.Status, error) {
	if p.trace != nil {
		p.trace("got a slot")
		ctx = opsmanager.WithTrace(ctx, p.trace)
	}
	if err := p.prepare(); err != nil {
		return "", &opsmanager.Error{Reason: opsmanager.ReasonTLS, Err: err}
	}
	key, err := p.key()
	if err != nil {
		return "", &opsmanager.Error{Reason: opsmanager.ReasonCredentials, Err: err}
	}
	reading, err := m.client.MigrationLinkStatus(ctx, key, p.org.config.ID)
	return reading.Status, err
}

func (m *manager) refreshTLS() error {
	material, err := m.tls.current()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.material != nil && m.material.Fingerprint == material.Fingerprint {
		return nil
	}
	if material.Config.RootCAs == nil {
		if material.Config.RootCAs, err = publicRoots(); err != nil {
			return err
		}
	}
	// TLS sessions are as good as what was trusted when they began: they stay with
	// the material, also over a reload.
	material.Config.ClientSessionCache = tls.NewLRUClientSessionCache(0) // of the default size
	m.client.SetTLS(material.Config)
	m.material = material
	return nil
}

// inUse returns the TLS material that the client uses, nil before the first poll.
func (m *manager) inUse() *config.TLSMaterial {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.material
}

func (m *manager) observe(e opsmanager.Exchange) {
	m.api.observe(e)
	if e.Version != "" {
		m.version.Store(&e.Version)
	}
}

// close lets go of what m holds: idle connections, polls in flight.
func (m *manager) close() {
	m.queue.stop()
	m.client.Close()
}

// newOrganization returns an organization of m; before is the one of the same ID
// that it replaces, nil if there is none.
func newOrganization(c config.Org, before *organization, m *manager, index int, logger *slog.Logger) *organization {
	org := &organization{config: c, name: cmp.Or(c.Name, c.ID), manager: m, index: index}
	if before != nil {
		org.record = before.record
	} else {
		org.record = new(record)
	}
	if c.APIKey != nil {
		logger = logger.With("ops_manager", m.settings.Name, "org_id", c.ID)
		org.key = &source[config.KeyPair]{read: c.APIKey.Read, patience: m.settings.Timeout / 4, logger: logger}
		if before != nil && reflect.DeepEqual(before.config.APIKey, c.APIKey) {
			org.key = before.key
		}
	}
	return org
}
