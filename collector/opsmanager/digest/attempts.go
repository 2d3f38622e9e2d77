package digest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// maxAttempts is how many requests with credentials a poll may send, including the
// first. With random balancing between two servers, one poll in a thousand reaches
// none that knows its nonce. The limit also ends polls of a server that calls every
// nonce stale.
const maxAttempts = 10

var (
	// ErrRejected is the error of a poll whose key was not accepted.
	ErrRejected = errors.New("the API key was rejected")
	// ErrNonces is the error of a poll that reached no server that knew its nonce.
	ErrNonces = errors.New("no digest nonce was accepted, but the API key is not the problem")
)

// Attempts is the authentication of one poll. It provides the credentials of each
// request and interprets each 401. It is not safe for concurrent use.
type Attempts struct {
	session *Session
	lead    bool   // other polls wait for this poll's challenge
	next    *nonce // of the next request; nil to request a challenge
	own     bool   // next was issued to this poll
	sends   int    // requests sent with next

	credentials *Credentials // of the last request; nil if it had none
	route       *Route       // of the last request with credentials

	answered int    // 401 responses to requests with credentials
	first    *nonce // of the first request with credentials
	recalled bool   // first has worked on that connection before
	unsaid   bool   // first was refused without stale=true
	rejected int    // 401 responses that may be due to the key
}

// Refusal is the meaning of a 401.
type Refusal struct {
	Challenge bool  // it has a challenge that can be answered
	Stale     bool  // the challenge has stale=true
	Err       error // why there is no further attempt; nil if there is one
}

// Begin begins a poll; the caller must call [Attempts.End]. If another poll of the key
// is requesting a challenge, Begin waits for it until ctx is done or hold has passed
// since that request began.
func (s *Session) Begin(ctx context.Context, hold time.Duration) *Attempts {
	a := &Attempts{session: s}
	a.next, a.lead = s.acquire(ctx, hold)
	return a
}

// End ends a poll and releases polls that wait for its challenge.
func (a *Attempts) End() {
	if a.lead {
		a.settle(nil)
	}
}

func (a *Attempts) settle(n *nonce) {
	a.lead = false
	a.session.settle(n)
}

// Asks reports whether the next request has no credentials, to get a challenge.
func (a *Attempts) Asks() bool { return a.next == nil }

// Authorize returns the credentials of the next request, or nil for none. It is called
// once the request has a connection, route.
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

// Check returns [ErrMismatch] if a response belongs to another request than the last.
func (a *Attempts) Check(header http.Header) error { return a.credentials.Check(header) }

// Echoes reports whether a text contains, in any letter case, a half of the key or a
// secret of the last request.
func (a *Attempts) Echoes(text string) bool { return a.session.Echoes(text, a.credentials) }

// Answered handles a response that is not a 401. trusted reports whether it is from
// the server: an error may be from a load balancer in front of it.
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

// Refused handles a 401 and returns its meaning. role reports whether its body says
// that the key lacks a role.
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

// judge returns why a 401 with a new nonce, brought, ends the poll, or nil if it does
// not. moved reports whether the 401 changes the cookies: another server may have
// responded.
func (a *Attempts) judge(brought *nonce, stale, moved, role bool) error {
	s, n := a.session, a.credentials.nonce
	now := s.now()
	if a.answered == 1 {
		a.unsaid = !stale
		if a.recalled { // a connection may reach several servers, or its server restarted
			s.origin.several.Store(false)
		}
	}
	switch {
	case stale:
		s.origin.refuse(n, brought, true, now)
	case role:
		return ErrRejected
	case a.own && n.sent() == a.sends:
		// No other poll has used the nonce. The cause is therefore the key, or a server
		// that did not issue the nonce and does not call it stale. The latter is ruled
		// out if cookies lead to the issuer.
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

// choose sets the nonce of the next request after a 401 with nonce n.
func (a *Attempts) choose(n *nonce, stale, moved bool) {
	opaque := stale && n.challenge.Opaque != ""
	switch {
	case a.answered == 1 || moved:
		a.take(n)
	case opaque && a.answered%2 == 0:
		// Apache keeps one one-time nonce for each opaque value, and a 401 repeats the
		// opaque of its request. Only a request without credentials gets an opaque, and
		// thus a nonce, for this poll alone.
		a.next = nil
	case opaque, a.answered%3 != 1:
		// Use the same nonce three times in all: with round robin, the next request may
		// reach its issuer. With the newest nonce each time, it never would.
	default:
		a.take(n)
	}
}

// take sets the nonce of the next request to n, which was issued to this poll.
func (a *Attempts) take(n *nonce) { a.next, a.own, a.sends = n, true, 0 }
