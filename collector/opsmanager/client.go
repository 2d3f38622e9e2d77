package opsmanager

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
	"opsmanager_exporter/config"
)

// Options say which Ops Manager a [Client] reads and how.
type Options struct {
	// URL is the base URL; a path prefix is kept. Not modified.
	URL *url.URL
	// Timeout is how long a poll may take in all. The client does not enforce it,
	// the context of each poll does; the client derives from it how long the
	// challenge of one poll may hold others back: a quarter of it.
	Timeout time.Duration
	// MaxConnections bounds the connections, idle ones included. 0 sets no bound,
	// and of the idle ones two are kept.
	MaxConnections int
	// NewConnectionPerRequest opens a connection for each request, so that no
	// answer can be taken for that to another request. That costs two round trips
	// and, with TLS, seven times the CPU of a poll on a kept connection.
	NewConnectionPerRequest bool
	// Proxy returns the proxy of a request; nil for none.
	Proxy func(*http.Request) (*url.URL, error)
	// ProxyConnectHeader is sent to the proxy with CONNECT.
	ProxyConnectHeader http.Header
	// UserAgent is sent with each request.
	UserAgent string
	// Sessions holds the digest state.
	Sessions *Sessions
	// Observe is called once for each HTTP request that was sent, concurrently.
	// It may be nil.
	Observe func(Exchange)
}

// Sessions is the digest state of API keys, which outlives clients.
type Sessions = digest.Sessions

// NewSessions returns the state of a program that has not polled yet.
func NewSessions() *Sessions { return digest.NewSessions(time.Now) }

// Exchange is one HTTP request and what came back.
type Exchange struct {
	StatusCode int           // 0 where no response came
	Duration   time.Duration // from sending to the end of the body, connecting included
	Version    string        // Ops Manager's version, "" where the response does not say
}

// Client reads migration link statuses from one Ops Manager. It may be used
// concurrently and lives as long as the configuration that it was made from:
// its connections are kept between polls.
type Client struct {
	opts      Options
	orgs      *url.URL // below which the organizations are
	origin    string
	transport atomic.Pointer[transport]
	closed    atomic.Bool
}

// NewClient returns a client, which needs [Client.SetTLS] before its first poll.
// It starts no goroutine.
func NewClient(opts Options) *Client {
	base := *opts.URL
	if base.Path == "" {
		base.Path = "/" // JoinPath would make it a relative one
	}
	return &Client{
		opts:   opts,
		orgs:   base.JoinPath("api/public/v1.0/orgs/"),
		origin: strings.ToLower(base.Scheme + "://" + base.Host),
	}
}

// SetTLS makes polls that start from now on use a TLS configuration, on new
// connections; nil means Go's defaults. It must be called before the first poll,
// for http:// too. Polls in flight end undisturbed on their connections, which are
// then closed. The configuration is not modified and must not be modified any
// more. TLS sessions are resumed if it has a ClientSessionCache.
func (c *Client) SetTLS(tlsConfig *tls.Config) {
	if old := c.transport.Swap(newTransport(c.opts, tlsConfig)); old != nil {
		old.retire()
	}
	if c.closed.Load() { // a scrape that outlives a reload
		c.transport.Load().retire()
	}
}

// Close closes the connections, those in use when they fall idle. Polls in flight
// end undisturbed; later ones work too, and keep no connection.
func (c *Client) Close() {
	c.closed.Store(true)
	if t := c.transport.Load(); t != nil {
		t.retire()
	}
}

// MigrationLinkStatus asks Ops Manager for the status of an organization's link
// to Atlas, now. It returns a reading of [Synced] or [NotSynced], or an [*Error].
//
// GET /api/public/v1.0/orgs/{orgId}/liveExport/migrationLink/status (Ops Manager
// documentation, "Return the Status of the Connection between Organizations").
func (c *Client) MigrationLinkStatus(ctx context.Context, key config.KeyPair, orgID string) (Reading, error) {
	t := c.transport.Load()
	if t == nil {
		return Reading{}, &Error{Reason: ReasonTLS, Err: errNoTLS}
	}
	p := &poll{
		transport: t,
		session:   c.opts.Sessions.Of(c.origin, key),
		target:    c.target(orgID),
		prefixed:  strings.Trim(c.opts.URL.Path, "/") != "",
	}
	a, err := p.run(ctx, c.opts.Timeout/4)
	if err != nil {
		return Reading{}, p.withoutEcho(err)
	}
	status, err := p.read(ctx, a)
	if err != nil {
		return Reading{}, err
	}
	return Reading{Status: status, conn: a.conn, host: c.opts.URL.Host}, nil
}

// target returns the address of an organization's link.
func (c *Client) target(orgID string) *url.URL {
	const link = "/liveExport/migrationLink/status"
	u := *c.orgs
	if escaped := url.PathEscape(orgID); u.RawPath != "" || escaped != orgID {
		u.RawPath = c.orgs.EscapedPath() + escaped + link
	}
	u.Path += orgID + link
	return &u
}
