package opsmanager

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
)

// poll is one reading of one organization: all the requests that it takes.
type poll struct {
	transport *transport
	session   *digest.Session
	target    *url.URL
	prefixed  bool // the base URL has a path
	attempts  *digest.Attempts
	retried   bool // a kept connection broke, and the one retry is used up
}

// run sends the request until it is answered by something other than a challenge
// that can be met. It returns the last answer, body included. hold is how long
// the challenge of another poll may take.
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

// send is one HTTP request. If it goes out on a kept connection that breaks, it
// is sent once more on a new one, once in a poll, and with another use count: the
// server may have counted the first. What the poll sends after that does not trust
// kept connections any more.
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
