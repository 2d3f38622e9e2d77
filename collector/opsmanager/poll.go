package opsmanager

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// poll is one reading of one organization: all the requests that it takes.
type poll struct {
	client  *Client
	wire    *wire
	session *session
	target  *url.URL
	retried bool // the one retry of a broken kept connection is used up
}

// authenticated sends the request until it is answered by something other than
// a challenge that can be met. It returns the last answer, body included.
//
// A 401 has three meanings, which digest state and body tell apart: a nonce that
// the server no longer takes (stale=true, or a use count it does not like), a
// key that it does not accept, and, from an authenticated request, a missing
// role.
func (p *poll) authenticated(ctx context.Context) (*answer, error) {
	n, lead := p.session.acquire(ctx, p.client.opts.Timeout/4)
	shared := n
	if n == nil {
		a, err := p.send(ctx, nil)
		var why error
		if err == nil && a.code == http.StatusUnauthorized {
			n, why = p.session.nonceFrom(a.header)
			a.why = why
		}
		if lead {
			p.session.settle(n)
		}
		if n == nil {
			return a, err
		}
	}

	var own []*nonce // from the 401s of this poll, oldest first
	var rejected bool
	for attempt := 1; ; attempt++ {
		a, err := p.send(ctx, n)
		if err != nil {
			return nil, err
		}
		if a.code != http.StatusUnauthorized {
			if a.code < http.StatusInternalServerError { // a 5xx may come from a balancer
				p.session.promote(n, shared)
			}
			return a, nil
		}
		fresh, why := p.session.nonceFrom(a.header)
		a.why = why
		if fresh == nil {
			if isRole(a.apiError().ErrorCode) {
				a.why = nil
			}
			return a, nil
		}
		own = append(own, fresh)
		a.stale = fresh.challenge.Stale
		switch {
		case attempt >= p.session.attempts():
			if a.stale {
				p.session.distrust()
				a.why = fmt.Errorf("%d nonces in a row were called stale", attempt)
			}
			return a, nil
		case a.stale && attempt == 1:
			n = fresh
		case a.stale && fresh.challenge.Opaque == "" && attempt%2 == 0:
			// The nonce of this poll's own 401 is stale at once: several back
			// ends with nonces of their own take turns. Try the one before.
			n = own[attempt-2]
		case a.stale && fresh.challenge.Opaque == "":
			n = fresh
		case a.stale:
			// Apache keeps one nonce that serves once to each opaque value, and
			// a 401 repeats the opaque of its request: only a request without
			// one gets an opaque, and a nonce, for this poll alone.
			if a, err = p.send(ctx, nil); err != nil || a.code != http.StatusUnauthorized {
				return a, err
			}
			if n, a.why = p.session.nonceFrom(a.header); n == nil {
				return a, nil
			}
		case rejected, p.session.exclusive(n), isRole(a.apiError().ErrorCode):
			return a, nil
		default:
			// Other polls used the nonce too: a replayed or out-of-order use
			// count looks just like a wrong key. Ask once more with a nonce
			// that is this poll's alone.
			rejected = true
			n = fresh
		}
	}
}

// send is one HTTP request, authorized with n unless n is nil. If it goes out on
// a kept connection that breaks, it is sent once more on a new one, once in a
// poll, and with another use count: the server may have counted the first.
func (p *poll) send(ctx context.Context, n *nonce) (*answer, error) {
	a, reused, err := p.exchange(ctx, n, p.wire.kept)
	if err != nil && reused && !p.retried && (ReasonOf(err) == ReasonConnect || ReasonOf(err) == ReasonTLS) {
		p.retried = true
		a, _, err = p.exchange(ctx, n, p.wire.fresh)
	}
	return a, err
}

func (p *poll) exchange(ctx context.Context, n *nonce, transport *http.Transport) (*answer, bool, error) {
	var authorization string
	if n != nil {
		var err error
		authorization, err = p.session.authorization(n, http.MethodGet, p.target.RequestURI())
		if err != nil {
			return nil, false, &Error{Reason: ReasonUnauthorized, Err: err}
		}
	}
	return p.wire.exchange(ctx, p.target, authorization, transport)
}
