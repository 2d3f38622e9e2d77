package opsmanager

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/opsmanager/bearer"
	"opsmanager_exporter/config"
)

// Options configures a [Client].
type Options struct {
	// URL is the base URL, which may have a path prefix. It is not modified.
	URL *url.URL
	// Timeout is the time limit of a poll, which the context of each poll must
	// enforce. The client lets the challenge of one poll delay others for at most a
	// quarter of it.
	Timeout time.Duration
	// MaxConnections limits the number of connections, including idle ones. 0 means
	// no limit, with two idle connections kept.
	MaxConnections int
	// NewConnectionPerRequest opens a connection for each request, so that no
	// response can be mistaken for one to another request. That costs two round
	// trips and, with TLS, seven times the CPU of a poll on a reused connection.
	NewConnectionPerRequest bool
	// Proxy returns the proxy for a request. It may be nil for no proxy.
	Proxy func(*http.Request) (*url.URL, error)
	// ProxyConnectHeader is sent to the proxy in CONNECT requests.
	ProxyConnectHeader http.Header
	UserAgent          string
	// Sessions holds the authentication state.
	Sessions *Sessions
	// Observe is called once for each HTTP request sent, concurrently. It may be nil.
	Observe func(Exchange)
}

// Exchange is the outcome of one HTTP request.
type Exchange struct {
	StatusCode int           // 0 if there was no response
	Duration   time.Duration // until the end of the body, including connecting
	Version    string        // Ops Manager's version, "" if not in the response
}

// Client reads migration link statuses from one Ops Manager. It is safe for
// concurrent use, keeps connections between polls, and lives as long as the
// configuration that it was made from.
type Client struct {
	opts      Options
	orgs      *url.URL // parent of the organizations' URLs
	origin    string
	tokens    string // URL of the endpoint for tokens
	transport atomic.Pointer[transport]
	closed    atomic.Bool
}

// NewClient returns a client. [Client.SetTLS] must be called before its first poll.
// NewClient starts no goroutine.
func NewClient(opts Options) *Client {
	base := *opts.URL
	if base.Path == "" {
		base.Path = "/" // otherwise JoinPath returns a relative path
	}
	origin := strings.ToLower(base.Scheme + "://" + base.Host)
	return &Client{
		opts:   opts,
		orgs:   base.JoinPath("api/public/v1.0/orgs/"),
		origin: origin,
		tokens: base.Scheme + "://" + base.Host + tokenPath, // not in lower case: net/http would keep connections for both
	}
}

// SetTLS sets the TLS configuration for polls that start afterwards, which use new
// connections. nil means Go's defaults. SetTLS must be called before the first poll,
// even for http://. Polls in flight finish on their connections, which are then
// closed. SetTLS does not modify the configuration; nor may the caller from then on.
// TLS sessions are resumed if it has a ClientSessionCache.
func (c *Client) SetTLS(tlsConfig *tls.Config) {
	if old := c.transport.Swap(newTransport(c.opts, tlsConfig)); old != nil {
		old.retire()
	}
	if c.closed.Load() { // by a reload during a scrape
		c.transport.Load().retire()
	}
}

// Close closes idle connections at once and others when they become idle. Polls in
// flight finish. Later polls still work, but keep no connection.
func (c *Client) Close() {
	c.closed.Store(true)
	if t := c.transport.Load(); t != nil {
		t.retire()
	}
}

// Round is a round of polls. If a service account gets no access token, all of its
// polls in a round share that failure, instead of asking again one after another. A
// Round is safe for concurrent use.
type Round struct {
	client *Client
	began  time.Time
}

// Round begins a round of polls.
func (c *Client) Round() Round { return Round{client: c, began: c.opts.Sessions.now()} }

// MigrationLinkStatus polls a status in a round of its own: see
// [Round.MigrationLinkStatus].
func (c *Client) MigrationLinkStatus(ctx context.Context, key config.KeyPair, orgID string) (Reading, error) {
	return c.Round().MigrationLinkStatus(ctx, key, orgID)
}

// MigrationLinkStatus polls the status of an organization's link to Atlas. It returns
// a reading of [Synced] or [NotSynced], or an [*Error].
//
// GET /api/public/v1.0/orgs/{orgId}/liveExport/migrationLink/status (Ops Manager
// documentation, "Return the Status of the Connection between Organizations").
func (r Round) MigrationLinkStatus(ctx context.Context, key config.KeyPair, orgID string) (Reading, error) {
	a, err := r.get(ctx, key, r.client.target(orgID), maxBody)
	if err != nil {
		return Reading{}, err
	}
	status, err := a.status()
	if err != nil {
		return Reading{}, err
	}
	return Reading{Status: status, conn: a.conn, host: r.client.opts.URL.Host}, nil
}

// get sends a GET request and returns the response, with its body decoded, if it is a
// 200 from Ops Manager itself and the body has at most limit bytes. Otherwise it
// returns an [*Error]. The body may repeat the key: see [authentication.echoes].
func (r Round) get(ctx context.Context, key config.KeyPair, target *url.URL, limit int) (*answer, error) {
	c := r.client
	t := c.transport.Load()
	if t == nil {
		return nil, &Error{Reason: ReasonTLS, Err: errNoTLS}
	}
	p := &poll{transport: t, request: request{target: target, limit: limit}}
	switch hold := c.opts.Timeout / 4; key.Kind {
	case config.ServiceAccount:
		p.auth = &bearerAuthentication{account: c.opts.Sessions.bearer.Of(c.origin, key), key: key, endpoint: c.tokens, round: bearer.Round{Began: r.began, Via: c}, hold: hold}
	default:
		p.auth = &digestAuthentication{session: c.opts.Sessions.digest.Of(c.origin, key), target: target, hold: hold}
		p.prefixed = strings.Trim(c.opts.URL.Path, "/") != ""
	}
	a, err := p.run(ctx)
	if err != nil {
		return nil, err
	}
	return a, p.read(ctx, a)
}

// target returns the URL of an organization's link status.
func (c *Client) target(orgID string) *url.URL {
	const link = "/liveExport/migrationLink/status"
	u := *c.orgs
	if escaped := url.PathEscape(orgID); u.RawPath != "" || escaped != orgID {
		u.RawPath = c.orgs.EscapedPath() + escaped + link
	}
	u.Path += orgID + link
	return &u
}
