package simulator

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// tokenStore holds the access tokens of all accounts.
type tokenStore struct {
	mu      sync.Mutex
	valid   map[string]token // by value
	issued  []string         // every token, in order
	nextRun time.Time        // when expired tokens are next removed
}

type token struct {
	clientID string
	ends     time.Time
}

// Tokens returns every access token that the server has issued, oldest first, valid or not.
// None of them belongs into a log or a page.
func (s *Server) Tokens() []string {
	t := &s.shared.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.issued)
}

// RevokeToken makes one token invalid.
func (s *Server) RevokeToken(value string) {
	t := &s.shared.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.valid, value)
}

// RevokeTokens makes all tokens issued so far invalid.
func (s *Server) RevokeTokens() {
	t := &s.shared.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.valid)
}

// issueToken returns a new token, which looks like a JSON Web Token.
func (s *Server) issueToken(clientID string, lifetime time.Duration) string {
	value := "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9." + rand.Text() + "." + rand.Text()
	now := s.options.Now()
	t := &s.shared.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.After(t.nextRun) {
		maps.DeleteFunc(t.valid, func(_ string, old token) bool { return !now.Before(old.ends) })
		t.nextRun = now.Add(time.Minute)
	}
	t.valid[value] = token{clientID, now.Add(lifetime)}
	t.issued = append(t.issued, value)
	return value
}

// bearer returns the token in an Authorization header of the Bearer scheme (RFC 6750,
// section 2.1).
func bearer(authorization string) (value string, ok bool) {
	scheme, value, found := strings.Cut(authorization, " ")
	return value, found && strings.EqualFold(scheme, "Bearer")
}

// authenticateToken checks a token and, if it accepts it, stores its account in e.
func (e *exchange) authenticateToken(value string) verdict {
	t := &e.server.shared.tokens
	t.mu.Lock()
	found, valid := t.valid[value]
	t.mu.Unlock()
	if _, known := e.server.account(found.clientID); !valid || !known || !e.server.options.Now().Before(found.ends) {
		return refused
	}
	e.caller = found.clientID
	return accepted
}
