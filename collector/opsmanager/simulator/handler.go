package simulator

import (
	"context"
	"net/http"
	"strings"
	"time"
)

const (
	healthPath     = "/monitor/health"
	beforeOrg      = "/api/public/v1.0/orgs/"
	afterOrg       = "/liveExport/migrationLink/status"
	authenticateAs = "WWW-Authenticate" // net/http would spell it Www-Authenticate
)

// serve handles every request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path, inside := strings.CutPrefix(r.URL.Path, s.options.PathPrefix)
	orgID := ""
	if inside {
		orgID = orgOf(path)
	}
	counted := orgID
	clientID, token := s.asksForToken(r)
	if token {
		counted = clientID
	}
	if !s.ledger.enter(counted) {
		panic(http.ErrAbortHandler)
	}
	defer s.ledger.leave(counted)
	e := &exchange{ResponseWriter: w, server: s, orgID: orgID, counted: counted}
	if cookie, err := r.Cookie(sessionCookie); err == nil && s.options.Nonce.Session {
		e.session = cookie.Value
	}
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
	switch {
	case token:
		s.shared.counts.count(counted, func(c *Counts) { c.TokenRequests++ })
		s.answerTokenRequest(e, r)
	case !inside:
		// From the proxy in front of Ops Manager, which handles the prefix.
		HTML(http.StatusNotFound)(e, r)
	case path == healthPath && r.Method == http.MethodGet:
		write(e, http.StatusOK, nil)
	default:
		e.nonces = s.backEnd(r.Context()) //nolint:contextcheck // the connection is a value of the context
		s.answer(e, r, path)
	}
}

// orgOf returns the organization in the path of a status, or "".
func orgOf(path string) string {
	id, before := strings.CutPrefix(path, beforeOrg)
	id, after := strings.CutSuffix(id, afterOrg)
	if !before || !after || strings.Contains(id, "/") {
		return ""
	}
	return id
}

func (s *Server) answer(e *exchange, r *http.Request, path string) {
	org, known := s.org(e.orgID)
	if org.BeforeAuth != nil {
		org.BeforeAuth(e, r)
		return
	}
	if v := e.authenticate(r.Method, r.Header.Get("Authorization")); v != accepted {
		e.refuse(v)
		return
	}
	tooMany := s.limited(e.caller)
	switch {
	case tooMany != nil:
		tooMany(e, r)
	case e.orgID == "" && path != listPath:
		ResourceNotFound()(e, r)
	case r.Method != http.MethodGet:
		MethodNotAllowed()(e, r)
	case path == listPath:
		s.listAnswer()(e, r)
	case !known || org.Deleted:
		OrgNotFound()(e, r)
	default:
		sleep(r.Context(), org.Delay)
		s.answerOf(org, e.caller)(e, r)
	}
}

func (s *Server) answerOf(org Org, caller string) Answer {
	switch {
	case !s.mayRead(org, caller):
		return MissingRole(false)
	case org.Answer != nil:
		return org.Answer
	default:
		return s.synced
	}
}

// exchange is a request in progress and the writer of its response. An Answer gets it
// from the context of the request, so that writers can be wrapped.
type exchange struct {
	http.ResponseWriter
	server  *Server
	orgID   string
	counted string // the organization or the account that the request counts for, if any
	session string // from the client's cookie, if nonces are bound to sessions
	nonces  *nonceStore
	stale   bool // the challenge has stale=true
	bearer  bool // the client has sent a token
	wrote   bool

	caller      string      // the public key or client ID that was accepted
	credentials credentials // accepted, of a key
	ha1         string
	account     Account // that gets a token
}

type exchangeKey struct{}

// exchangeOf returns the exchange of a request, or nil outside of a Server.
func exchangeOf(r *http.Request) *exchange {
	e, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return e
}

// Unwrap lets http.ResponseController flush and hijack.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// WriteHeader counts the response and sends its headers.
func (e *exchange) WriteHeader(status int) {
	if !e.wrote {
		e.wrote = true
		h := e.Header()
		challenge := status == http.StatusUnauthorized &&
			len(h[authenticateAs])+len(h.Values(authenticateAs)) > 0 //nolint:staticcheck // Ops Manager spells it so
		e.server.shared.counts.count(e.counted, func(c *Counts) {
			c.OK += one(status == http.StatusOK)
			c.Unauthorized += one(status == http.StatusUnauthorized)
			c.Challenges += one(challenge)
			c.Stale += one(challenge && e.stale)
		})
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *exchange) Write(b []byte) (int, error) {
	if !e.wrote {
		e.WriteHeader(http.StatusOK)
	}
	return e.ResponseWriter.Write(b)
}

// report calls OnStatus with the status about to be written.
func report(r *http.Request, status string) {
	if e := exchangeOf(r); e != nil && e.server.options.OnStatus != nil {
		e.server.options.OnStatus(e.orgID, status)
	}
}

// sleep waits. If ctx ends first, because the client disconnects or the server is
// closed, it aborts the handler and the connection without a response.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
