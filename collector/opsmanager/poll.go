package opsmanager

import (
	"context"
	"errors"
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
	retried bool // a kept connection broke, and the one retry is used up
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
		if err == nil {
			n = a.nonce
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
		if a.nonce == nil {
			return a, nil
		}
		own = append(own, a.nonce)
		switch {
		case attempt == maxAttempts:
			if a.stale {
				a.why = fmt.Errorf("%d nonces in a row were called stale", maxAttempts)
			}
			return a, nil
		case a.stale && attempt == 1:
			n = a.nonce
		case a.stale && attempt == 2 && a.nonce.challenge.Opaque == "":
			// The nonce of this poll's own 401 is stale at once: several back
			// ends with nonces of their own take turns. Try the one before.
			n = own[0]
		case a.stale && a.nonce.challenge.Opaque == "":
			n = a.nonce
		case a.stale:
			// Apache keeps one nonce that serves once to each opaque value, and
			// a 401 repeats the opaque of its request: only a request without
			// one gets an opaque, and a nonce, for this poll alone.
			if a, err = p.send(ctx, nil); err != nil || a.nonce == nil {
				return a, err
			}
			n = a.nonce
		case rejected, p.session.exclusive(n), isRole(a.apiError().ErrorCode):
			return a, nil
		default:
			// Other polls used the nonce too: a replayed or out-of-order use
			// count looks just like a wrong key. Ask once more with a nonce
			// that is this poll's alone.
			rejected = true
			n = a.nonce
		}
	}
}

// send is one HTTP request, authorized with n unless n is nil. If it goes out on
// a kept connection that breaks, it is sent once more on a new one, once in a
// poll, and with another use count: the server may have counted the first. What
// the poll sends after that does not trust kept connections any more.
func (p *poll) send(ctx context.Context, n *nonce) (*answer, error) {
	if p.retried || p.wire.retired.Load() {
		tell(ctx, "  on a new connection")
		a, _, err := p.exchange(ctx, n, p.wire.fresh)
		return a, err
	}
	a, reused, err := p.exchange(ctx, n, p.wire.kept)
	broke := reused && err != nil && (ReasonOf(err) == ReasonConnect || ReasonOf(err) == ReasonTLS)
	if broke || errors.Is(err, errUnasked) {
		p.retried = true
		tell(ctx, "  the kept connection broke: once more on a new one")
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
		tell(ctx, "request with digest credentials")
	} else {
		tell(ctx, "request without credentials")
	}
	a, reused, err := p.wire.exchange(ctx, p.target, authorization, transport)
	if err != nil {
		return nil, reused, err
	}
	if a.code == http.StatusUnauthorized {
		if a.nonce, a.why = p.session.nonceFrom(a.header); a.nonce != nil {
			a.stale = a.nonce.challenge.Stale
		} else if isRole(a.apiError().ErrorCode) {
			a.why = nil // the code says it
		}
	}
	tellAnswer(ctx, a)
	return a, reused, nil
}
