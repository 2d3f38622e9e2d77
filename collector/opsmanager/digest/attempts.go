package digest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// maxAttempts is how many requests with credentials a poll may send, the first
// included. Where two servers take turns at random, one poll in a thousand finds
// none that knows its nonce; a server that calls every nonce stale meets an end.
const maxAttempts = 10

var (
	// ErrRejected is the error of a key that was not accepted.
	ErrRejected = errors.New("the API key was rejected")
	// ErrNonces is the error of a poll that met no server which knew its nonce.
	ErrNonces = errors.New("no digest nonce was accepted, but the API key is not the problem")
)

// Attempts is the authentication of one poll: it says what goes with each request
// and what a 401 to it means. It is not for concurrent use.
type Attempts struct {
	session *Session
	lead    bool   // other polls wait for this one's challenge
	next    *nonce // of the next request; nil if that asks for a challenge
	own     bool   // next was issued to this poll
	sends   int    // requests with next

	credentials *Credentials // of the last request; nil if it had none
	route       *Route       // that it went by

	answered int    // requests with credentials
	first    *nonce // of the first one
	recalled bool   // it had worked on that connection before
	unsaid   bool   // it was refused and not called stale
	rejected int    // requests whose refusal speaks against the key
}

// Refusal is what a 401 means.
type Refusal struct {
	Challenge bool  // it carries a challenge that can be answered
	Stale     bool  // which calls the nonce stale
	Err       error // why there is no further attempt; nil if there is one
}

// Begin begins a poll, which must [Attempts.End]. Where another poll of the key is
// asking for a challenge it waits for that, at most until hold after it began or
// the end of ctx.
func (s *Session) Begin(ctx context.Context, hold time.Duration) *Attempts {
	a := &Attempts{session: s}
	a.next, a.lead = s.acquire(ctx, hold)
	return a
}

// End ends a poll. Whoever still waits for its challenge waits no more.
func (a *Attempts) End() {
	if a.lead {
		a.settle(nil)
	}
}

func (a *Attempts) settle(n *nonce) {
	a.lead = false
	a.session.settle(n)
}

// Asks tells whether the next request has no credentials, to be challenged.
func (a *Attempts) Asks() bool { return a.next == nil }

// Authorize returns the credentials of the next request, nil for none, when it is
// known which way it will go.
func (a *Attempts) Authorize(route *Route, method string, target *url.URL) (*Credentials, error) {
	a.credentials, a.route = nil, route
	if a.next == nil {
		return nil, nil //nolint:nilnil // as documented
	}
	if a.answered == 0 {
		if !a.own {
			known := a.session.suited(route, a.next)
			a.recalled, a.next = known != a.next, known
		}
		a.first = a.next
	}
	var err error
	a.sends++
	a.credentials, err = a.next.credentials(method, target)
	return a.credentials, err
}

// Answered notes an answer that is no 401. trusted tells whether it is the
// server's: an error may be that of a balancer in front of it.
func (a *Attempts) Answered(target *url.URL, header http.Header, trusted bool) {
	if a.credentials == nil {
		return
	}
	n, s := a.credentials.nonce, a.session
	n.keep(target, header)
	if !trusted {
		return
	}
	s.accept(n, a.first)
	if a.unsaid && n != a.first && n.jar() == nil {
		s.origin.refuse(a.first, n, false, s.now())
	}
	if s.origin.several.Load() {
		a.route.worked(s, n)
	}
}

// Refused notes a 401 and tells what it means. role says that its body names a
// role that the key lacks.
func (a *Attempts) Refused(target *url.URL, header http.Header, role bool) Refusal {
	var before *nonce
	if a.credentials != nil {
		before = a.credentials.nonce
		a.answered++
	}
	n, stale, err := a.session.challenged(target, header, before)
	r := Refusal{Challenge: err == nil, Stale: stale, Err: err}
	switch {
	case before != nil && err == nil:
		moved := n.cookies.header(target) != a.credentials.Cookie()
		if r.Err = a.judge(n, stale, moved, role); r.Err == nil {
			a.choose(n, stale, moved)
		}
	case before == nil:
		if a.lead {
			a.settle(n)
		}
		if n != nil {
			a.take(n)
		}
	}
	return r
}

// judge returns why a 401 that brought a nonce ends the poll, nil if it does not.
// moved says that it sets other cookies than the request had: another server may
// have answered.
func (a *Attempts) judge(brought *nonce, stale, moved, role bool) error {
	s, n := a.session, a.credentials.nonce
	now := s.now()
	if a.answered == 1 {
		a.unsaid = !stale
		if a.recalled { // connections do not lead to one server each, or it restarted
			s.origin.several.Store(false)
		}
	}
	switch {
	case stale:
		s.origin.refuse(n, brought, true, now)
	case role:
		return ErrRejected
	case a.own && n.sent() == a.sends:
		// No other poll's use of the nonce is the reason. That leaves the key, or
		// a server that did not issue the nonce and does not say so, unless cookies
		// lead to the one that did.
		a.rejected++
		inDoubt := n.jar() == nil && s.inDoubt(now)
		if a.answered == maxAttempts || !inDoubt && (a.rejected > 1 || !moved) {
			s.reject()
			return ErrRejected
		}
	}
	if a.answered == maxAttempts {
		return ErrNonces
	}
	return nil
}

// choose says what the next request uses after a 401 that brought n.
func (a *Attempts) choose(n *nonce, stale, moved bool) {
	opaque := stale && n.challenge.Opaque != ""
	switch {
	case a.answered == 1 || moved:
		a.take(n)
	case opaque && a.answered%2 == 0:
		// Apache keeps one nonce that serves once to each opaque value, and a 401
		// repeats the opaque of its request: only a request without one gets an
		// opaque, and a nonce, for this poll alone.
		a.next = nil
	case opaque, a.answered%3 != 1:
		// The same again, three times in all: where servers take turns, it may be
		// that of its issuer by now. Taking the newest each time would miss it
		// each time.
	default:
		a.take(n)
	}
}

// take makes n, which was issued to this poll, the nonce of the next request.
func (a *Attempts) take(n *nonce) { a.next, a.own, a.sends = n, true, 0 }
