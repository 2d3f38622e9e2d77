package opsmanager

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"opsmanager_exporter/config"
)

// maxAttempts is how many authenticated requests a poll may send, the first
// included: enough for a server that restarts or a few back ends with nonces of
// their own, and an end for one that calls every nonce stale.
const maxAttempts = 4

// Options say which Ops Manager a [Client] reads and how.
type Options struct {
	// URL is the base URL; a path prefix is kept. Not modified.
	URL *url.URL
	// Timeout is how long a poll may take in all. The caller's context enforces
	// it; the client derives from it how long a challenge may hold polls back.
	Timeout time.Duration
	// MaxConnections bounds the connections, idle ones included.
	MaxConnections int
	// Proxy returns the proxy of a request; nil for none.
	Proxy func(*http.Request) (*url.URL, error)
	// ProxyConnectHeader is sent to the proxy with CONNECT.
	ProxyConnectHeader http.Header
	// UserAgent is sent with each request.
	UserAgent string
	// Sessions holds the digest state.
	Sessions *Sessions
	// Observe is called once for each HTTP request that was sent, concurrently.
	Observe func(Exchange)
}

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
	opts   Options
	orgs   *url.URL // below which the organizations are
	origin string
	wire   atomic.Pointer[wire]
	closed atomic.Bool
}

// NewClient returns a client. [Client.SetTLS] must be called before its first
// poll. It starts no goroutine.
func NewClient(opts Options) *Client {
	base := *opts.URL
	if base.Path == "" {
		base.Path = "/" // JoinPath would make it a relative one
	}
	c := &Client{
		opts:   opts,
		orgs:   base.JoinPath("api/public/v1.0/orgs/"),
		origin: strings.ToLower(opts.URL.Scheme + "://" + hostPort(opts.URL)),
	}
	return c
}

// Reading is a status that was read.
type Reading struct{ Status Status }

// Retracted returns nil.
func (r Reading) Retracted() error { return nil }

// SetTLS makes polls that start from now on use tlsConfig, on new connections.
// Polls in flight end undisturbed.
func (c *Client) SetTLS(tlsConfig *tls.Config) {
	if old := c.wire.Swap(newWire(c.opts, tlsConfig)); old != nil {
		old.retire()
	}
	if c.closed.Load() { // a scrape that outlives a reload
		c.wire.Load().retire()
	}
}

// Close closes the connections, those in use when they fall idle. Polls in
// flight end undisturbed, and later ones keep no connection.
func (c *Client) Close() {
	c.closed.Store(true)
	if w := c.wire.Load(); w != nil {
		w.retire()
	}
}

// MigrationLinkStatus asks Ops Manager for the status of an organization's link
// to Atlas, now. It returns [Synced] or [NotSynced], or an [*Error].
//
// GET /api/public/v1.0/orgs/{orgId}/liveExport/migrationLink/status (Ops Manager
// documentation, "Return the Status of the Connection between Organizations").
func (c *Client) MigrationLinkStatus(ctx context.Context, key config.KeyPair, orgID string) (Reading, error) {
	p := &poll{client: c, wire: c.wire.Load(), session: c.opts.Sessions.of(c.origin, key), target: c.target(orgID)}
	a, err := p.authenticated(ctx)
	if err != nil {
		return Reading{}, withoutEcho(err, key)
	}
	status, err := a.status(ctx, key)
	return Reading{Status: status}, err
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

// status returns the status that the last answer of a poll tells, or an [*Error].
func (a *answer) status(ctx context.Context, key config.KeyPair) (Status, error) {
	if a.code != http.StatusOK {
		return "", a.refusal(key)
	}
	if a.tooLarge {
		return "", &Error{Reason: ReasonBadResponse, StatusCode: a.code, Err: errTooLarge}
	}
	if age := a.header.Get("Age"); age != "" && age != "0" {
		return "", &Error{Reason: ReasonBadResponse, StatusCode: a.code, Err: errCached}
	}
	body, err := a.decoded()
	if err != nil {
		return "", &Error{Reason: ReasonBadResponse, StatusCode: a.code, Err: err}
	}
	if traced(ctx) {
		tell(ctx, "body: %s", shape(body))
	}
	status, failure := parseStatus(body)
	if failure != nil {
		failure.StatusCode = a.code
		if a.echoes(failure.Err.Error(), key) {
			failure.Err = errUnknown
		}
		return "", failure
	}
	return status, nil
}

// withoutEcho drops the text of an error of the connection if it repeats the
// key: a certificate's names are an upstream's text too.
func withoutEcho(err error, key config.KeyPair) error {
	var e *Error
	if errors.As(err, &e) && (&answer{}).echoes(e.Err.Error(), key) {
		e.Err = errEcho
	}
	return err
}

// refusal turns an answer with a code other than 200 into an error. This is the
// one place that decides what a code means.
func (a *answer) refusal(key config.KeyPair) *Error {
	e := &Error{StatusCode: a.code, ErrorCode: a.errorCode(key), Err: a.why}
	if a.code == http.StatusUnauthorized && e.ErrorCode == "" && a.why == nil {
		e.Err = errRejected
	}
	switch {
	case a.code == http.StatusUnauthorized || a.code == http.StatusForbidden:
		e.Reason = a.denial(e.ErrorCode)
		if e.Reason == ReasonAccessList {
			e.Address = a.address()
		}
	case a.code == http.StatusNotFound:
		e.Reason = ReasonNotFound
	case a.code == http.StatusTooManyRequests:
		e.Reason = ReasonRateLimited
	case a.code >= 500 && a.code <= 599:
		e.Reason = ReasonServerError
	case a.code >= 300 && a.code <= 399:
		e.Reason = ReasonRedirect
	default:
		e.Reason = ReasonBadResponse
	}
	return e
}

// denial tells the meanings of 401 and 403 apart (Ops Manager documentation,
// "Error Codes": a missing role is a 401, the access list a 403).
func (a *answer) denial(errorCode string) Reason {
	switch {
	case isRole(errorCode):
		return ReasonRole
	case a.code == http.StatusUnauthorized && a.stale:
		return ReasonBadResponse
	case a.code == http.StatusUnauthorized:
		return ReasonUnauthorized
	case isAccessList(errorCode):
		return ReasonAccessList
	}
	return ReasonForbidden
}

func isRole(errorCode string) bool {
	switch errorCode {
	case "USER_UNAUTHORIZED", "NOT_ORG_ADMIN", "NOT_IN_GROUP", "NO_CURRENT_USER":
		return true
	}
	return false
}

func isAccessList(errorCode string) bool {
	return errorCode == "IP_ADDRESS_NOT_ON_ACCESS_LIST" || errorCode == "ORG_REQUIRES_ACCESS_LIST"
}

// apiError is the part of Ops Manager's error body that is read.
type apiError struct {
	ErrorCode  string `json:"errorCode"`
	Parameters []any  `json:"parameters"`
}

func (a *answer) apiError() apiError {
	var e apiError
	if body, err := a.decoded(); err == nil {
		if json.Unmarshal(body, &e) != nil {
			return apiError{} // no error body of Ops Manager: the status code says it all
		}
	}
	return e
}

// errorCodeShape is what an errorCode must look like to get into an error: the
// body is an upstream's text, and may even echo what was sent.
var errorCodeShape = regexp.MustCompile(`^[A-Z][A-Z0-9_]{2,63}$`)

func (a *answer) errorCode(key config.KeyPair) string {
	code := a.apiError().ErrorCode
	switch {
	case isRole(code), isAccessList(code): // whatever the key is
	case !errorCodeShape.MatchString(code), a.echoes(code, key):
		return ""
	}
	return code
}

// echoes tells whether a text repeats, in any letter case, a half of the key or
// what the request of this answer proved it with.
func (a *answer) echoes(text string, key config.KeyPair) bool {
	secrets := []string{key.Public.Reveal(), key.Private.Reveal()}
	for _, c := range splitChallenges(a.sent.Reveal()) { // credentials have the form of a challenge
		secrets = append(secrets, c.params["nonce"], c.params["cnonce"], c.params["response"])
	}
	text = strings.ToLower(text)
	return slices.ContainsFunc(secrets, func(secret string) bool {
		return secret != "" && strings.Contains(text, strings.ToLower(secret))
	})
}

// address returns this host's address as Ops Manager saw it: the first
// parameter of its access list errors.
func (a *answer) address() netip.Addr {
	if p := a.apiError().Parameters; len(p) > 0 {
		if s, ok := p[0].(string); ok {
			if addr, err := netip.ParseAddr(s); err == nil {
				return addr.WithZone("") // a zone may be any text
			}
		}
	}
	return netip.Addr{}
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if strings.EqualFold(u.Scheme, "http") {
		return u.Host + ":80"
	}
	return u.Host + ":443"
}

var (
	errRejected = errors.New("the API key was not accepted")
	errUnasked  = errors.New("the answer was there before the request: the server sends more answers than it gets requests")
	errCached   = errors.New("a cache on the way answered in place of Ops Manager")
	errTooLarge = errors.New("the body is larger than 64 KiB")
	errNotHTTP  = errors.New("the answer is not valid HTTP")
	errUnknown  = fmt.Errorf("the status is neither %s nor %s", Synced, NotSynced)
	errEcho     = errors.New("the connection's error is not shown because it repeats the API key")
)
