package opsmanager

import "context"

// authentication is the authentication of one poll. It provides the credentials of
// each request and interprets the responses. It is not safe for concurrent use.
type authentication interface {
	authorizer
	// prepare is called before each request. It may wait for another poll, or send
	// requests of its own as part of the poll p. Its error is an [*Error] that ends p.
	prepare(ctx context.Context, p *poll) error
	// answered handles a response that is not a 401. Its error is an [*Error] if the
	// response belongs to another request.
	answered(a *answer) error
	// refused handles a 401 and returns its meaning.
	refused(a *answer) refusal
	// echoes reports whether a text contains, in any letter case, a secret of the poll.
	echoes(text string) bool
	// end ends the poll and releases polls that wait for it.
	end()
}

// authorizer provides the credentials of a request.
type authorizer interface {
	// next describes the credentials of the next request.
	next() string
	// authorize returns the credentials of the next request, or nil for none. It is
	// called once the request has a connection.
	authorize(conn *connection) (credentials, error)
}

// credentials are the credentials of one request.
type credentials interface {
	// Authorization returns the Authorization header.
	Authorization() string
	// Cookie returns the Cookie header, or "" for none.
	Cookie() string
}

// refusal is the meaning of a 401.
type refusal struct {
	what   string // in the words of a trace
	reason Reason // of the failed poll; "" if there is another attempt
	err    error  // its cause; may be nil
}
