package opsmanager

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
)

// digestAuthentication authenticates a poll with an API key.
type digestAuthentication struct {
	session  *digest.Session
	target   *url.URL
	hold     time.Duration    // how long the challenge of another poll may delay this one
	attempts *digest.Attempts // nil before the first request
}

func (d *digestAuthentication) prepare(ctx context.Context, _ *poll) error {
	if d.attempts == nil {
		d.attempts = d.session.Begin(ctx, d.hold)
	}
	return nil
}

func (d *digestAuthentication) next() string {
	if d.attempts.Asks() {
		return "without credentials"
	}
	return "with digest credentials"
}

func (d *digestAuthentication) authorize(conn *connection) (credentials, error) {
	c, err := d.attempts.Authorize(&conn.route, http.MethodGet, d.target)
	if c == nil {
		return nil, err // not a nil *digest.Credentials
	}
	return c, err
}

func (d *digestAuthentication) answered(a *answer) error {
	if err := d.attempts.Check(a.header); err != nil {
		return &Error{Reason: ReasonBadResponse, StatusCode: a.code, Err: err}
	}
	d.attempts.Answered(d.target, a.header, a.code < http.StatusInternalServerError)
	return nil
}

func (d *digestAuthentication) refused(a *answer) refusal {
	r := d.attempts.Refused(d.target, a.header, isRole(a.apiError().ErrorCode))
	seen := refusal{what: "no digest challenge that can be answered", err: r.Err}
	switch {
	case r.Stale:
		seen.what = "a digest challenge: the nonce is stale"
	case r.Challenge:
		seen.what = "a digest challenge"
	}
	switch {
	case r.Err == nil:
	case errors.Is(r.Err, digest.ErrNonces):
		seen.reason = ReasonNonce
	default:
		seen.reason = ReasonUnauthorized
	}
	return seen
}

func (d *digestAuthentication) echoes(text string) bool { return d.attempts.Echoes(text) }

func (d *digestAuthentication) end() { d.attempts.End() }
