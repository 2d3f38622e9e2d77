package opsmanager

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
)

// poll is one poll of one organization, including all its requests.
type poll struct {
	transport *transport
	session   *digest.Session
	target    *url.URL
	prefixed  bool // the base URL has a path
	attempts  *digest.Attempts
	retried   bool // a reused connection broke and the only retry is used up
}

// run repeats the request until the response is not a challenge that can be answered.
// It returns the last response including its body. hold is how long the challenge of
// another poll may delay this one.
func (p *poll) run(ctx context.Context, hold time.Duration) (*answer, error) {
	p.attempts = p.session.Begin(ctx, hold)
	defer p.attempts.End()
	for {
		a, err := p.send(ctx)
		if err != nil {
			return nil, err
		}
		if a.code == http.StatusUnauthorized {
			a.refusal = p.attempts.Refused(p.target, a.header, isRole(a.apiError().ErrorCode))
			tellAnswer(ctx, a)
			if a.refusal.Err == nil {
				continue
			}
			return a, nil
		}
		tellAnswer(ctx, a)
		if err := a.credentials.Check(a.header); err != nil {
			return nil, &Error{Reason: ReasonBadResponse, StatusCode: a.code, Err: err}
		}
		p.attempts.Answered(p.target, a.header, a.code < http.StatusInternalServerError)
		return a, nil
	}
}

// send sends one HTTP request. If it is sent on an existing connection that breaks, it
// is retried on a new one, once per poll, with another nonce count because the server
// may have counted the first. The poll's further requests use new connections only.
func (p *poll) send(ctx context.Context) (*answer, error) {
	if p.retried || !p.transport.keeps() {
		tell(ctx, "  on a new connection")
		a, _, err := p.exchange(ctx, p.transport.fresh)
		return a, err
	}
	a, reused, err := p.exchange(ctx, p.transport.kept)
	broke := reused && err != nil && (ReasonOf(err) == ReasonConnect || ReasonOf(err) == ReasonTLS)
	if broke || errors.Is(err, errUnasked) {
		p.retried = true
		tell(ctx, "  the reused connection broke; retrying on a new one")
		a, _, err = p.exchange(ctx, p.transport.fresh)
	}
	return a, err
}

func (p *poll) exchange(ctx context.Context, over *http.Transport) (*answer, bool, error) {
	if p.attempts.Asks() {
		tell(ctx, "request without credentials")
	} else {
		tell(ctx, "request with digest credentials")
	}
	return p.transport.exchange(ctx, p.target, p.attempts, over)
}
