package simulator

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"time"
)

// verdict is the result of checking a digest response.
type verdict int

const (
	missing verdict = iota // no digest response
	refused                // challenge again with stale=false
	stale                  // challenge again with stale=true
	accepted
)

// nonceStore holds the nonces issued by one server. As in Jetty's DigestAuthenticator,
// they are not bound to a user, age from their issue and remember every count they were
// used with.
type nonceStore struct {
	rules Nonce
	now   func() time.Time

	mu       sync.Mutex
	byValue  map[string]*nonce
	issued   []*nonce // oldest first
	sessions map[string]struct{}
}

type nonce struct {
	value   string
	session string // it is bound to; "" for none
	issued  time.Time
	seen    map[uint64]struct{} // counts; nil until the first use
	last    uint64              // highest count
}

func newNonceStore(rules Nonce, now func() time.Time) *nonceStore {
	return &nonceStore{rules: rules, now: now, byValue: map[string]*nonce{}, sessions: map[string]struct{}{}}
}

// issue returns a new nonce, bound to session if that is not empty: 24 random bytes in
// Base64, 32 characters.
func (s *nonceStore) issue(session string) string {
	var random [24]byte
	_, _ = rand.Read(random[:]) // never fails
	n := &nonce{value: base64.StdEncoding.EncodeToString(random[:]), session: session, issued: s.now()}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune(n.issued)
	s.byValue[n.value] = n
	s.issued = append(s.issued, n)
	return n.value
}

// resume returns the session with the ID sent by a client, or a new session.
func (s *nonceStore) resume(id string) (session string, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.sessions[id]; known {
		return id, false
	}
	session = "node0" + strings.ToLower(rand.Text()) + ".node0" // Jetty's format
	s.sessions[session] = struct{}{}
	return session, true
}

// use checks a nonce, its session and its count, and marks the count as used even if
// the rest of the digest response is wrong, like Jetty's checkNonce.
func (s *nonceStore) use(value, session, count string) verdict {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prune(now)
	n := s.byValue[value]
	if n == nil || n.session != session {
		if s.rules.UnknownRefused {
			return refused
		}
		return stale
	}
	nc, err := strconv.ParseUint(count, 16, 64)
	if err != nil {
		return refused
	}
	if nc >= uint64(s.rules.Uses) { //nolint:gosec // Options.validate requires 2 or more
		return stale
	}
	if _, replayed := n.seen[nc]; replayed {
		return refused
	}
	if s.rules.StrictCount && n.seen != nil && nc <= n.last {
		return refused
	}
	if s.rules.OneTime {
		delete(s.byValue, value)
		return accepted
	}
	if n.seen == nil {
		n.seen = map[uint64]struct{}{}
	}
	n.seen[nc] = struct{}{}
	n.last = max(n.last, nc)
	return accepted
}

// prune removes expired nonces. The oldest come first, so it stops at the first that
// has not expired.
func (s *nonceStore) prune(now time.Time) {
	for len(s.issued) > 0 && now.Sub(s.issued[0].issued) > s.rules.Lifetime {
		delete(s.byValue, s.issued[0].value)
		s.issued[0] = nil
		s.issued = s.issued[1:]
	}
}

func (s *nonceStore) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byValue)
	clear(s.sessions)
	s.issued = nil
}
