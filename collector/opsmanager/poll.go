package opsmanager

import (
	"context"
	"errors"
	"net/http"
)

// poll is one poll, such as that of the status of an organization, including all its
// requests.
type poll struct {
	transport *transport
	request   request
	auth      authentication
	prefixed  bool // the base URL has a path, which the credentials cover
	retried   bool // a reused connection broke and the only retry is used up
}

// run repeats the request until the response is not a 401 that other credentials may
// avoid. It returns the last response including its body.
func (p *poll) run(ctx context.Context) (*answer, error) {
	defer p.auth.end()
	for {
		if err := p.auth.prepare(ctx, p); err != nil {
			return nil, err
		}
		a, err := p.send(ctx, p.request, p.auth)
		if err != nil {
			return nil, p.withoutEcho(err)
		}
		a.auth = p.auth
		if a.code == http.StatusUnauthorized {
			a.refusal = p.auth.refused(a)
			tellAnswer(ctx, a)
			if a.refusal.reason == "" {
				continue
			}
			return a, nil
		}
		tellAnswer(ctx, a)
		return a, p.auth.answered(a)
	}
}

// read decodes the body of the last response. It returns an [*Error] unless that is a
// 200 from Ops Manager itself.
func (p *poll) read(ctx context.Context, a *answer) error {
	if a.code != http.StatusOK {
		return p.refusal(a)
	}
	body, err := a.trusted()
	if err != nil {
		return &Error{Reason: ReasonBadResponse, StatusCode: a.code, Err: err}
	}
	if traced(ctx) { // otherwise there is no need to describe it
		tell(ctx, "body: %s", shape(body))
	}
	a.body = body
	return nil
}

// send sends one HTTP request. If it is sent on an existing connection that breaks, it
// is retried on a new one, once per poll, with another nonce count because the server
// may have counted the first. The poll's further requests use new connections only.
func (p *poll) send(ctx context.Context, r request, auth authorizer) (*answer, error) {
	if p.retried || !p.transport.keeps() {
		tell(ctx, "  on a new connection")
		a, _, err := p.exchange(ctx, r, auth, p.transport.fresh)
		return a, err
	}
	a, reused, err := p.exchange(ctx, r, auth, p.transport.kept)
	broke := reused && err != nil && (ReasonOf(err) == ReasonConnect || ReasonOf(err) == ReasonTLS)
	if broke || errors.Is(err, errUnasked) {
		p.retried = true
		tell(ctx, "  the reused connection broke; retrying on a new one")
		a, _, err = p.exchange(ctx, r, auth, p.transport.fresh)
	}
	return a, err
}

func (p *poll) exchange(ctx context.Context, r request, auth authorizer, over *http.Transport) (*answer, bool, error) {
	if traced(ctx) {
		tell(ctx, "request %s", auth.next())
	}
	return p.transport.exchange(ctx, r, auth, over)
}
