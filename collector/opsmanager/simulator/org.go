package simulator

import (
	"net/http"
	"slices"
	"time"
)

// Answer writes the answer to a request. Several goroutines call it at once.
// It may be given to several organizations, which then share its state if it
// has any.
type Answer func(w http.ResponseWriter, r *http.Request)

// Org is an organization and how it is answered for.
type Org struct {
	// Keys are the public keys that belong to the organization; another key
	// that is otherwise right gets 401 USER_UNAUTHORIZED. Nil lets every key
	// in. SetOrg copies it.
	Keys []string
	// Answer answers authenticated requests. Nil is Status("SYNCED").
	Answer Answer
	// BeforeAuth, when set, answers instead of authentication, without delay:
	// network faults and what a balancer says are seen by every client.
	BeforeAuth Answer
	// Delay comes before the answer, after authentication. It ends early when
	// the client leaves or the server is closed.
	Delay time.Duration
}

// SetOrg adds the organization or changes what is said of it from the next
// request on.
func (s *Server) SetOrg(id string, o Org) {
	o.Keys = slices.Clone(o.Keys)
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	s.shared.orgs[id] = o
}

// RemoveOrg removes the organization: it is not found from the next request on.
func (s *Server) RemoveOrg(id string) {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	delete(s.shared.orgs, id)
}

// SetKey adds an API key or changes its private half.
func (s *Server) SetKey(publicKey, privateKey string) {
	ha1 := s.hash(publicKey, realm, privateKey)
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	s.shared.keys[publicKey] = ha1
}

// RemoveKey removes an API key: it is refused from the next request on.
func (s *Server) RemoveKey(publicKey string) {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	delete(s.shared.keys, publicKey)
}

func (s *Server) org(id string) (o Org, known bool) {
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	o, known = s.shared.orgs[id]
	return o, known
}

func (s *Server) key(publicKey string) (ha1 string, known bool) {
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	ha1, known = s.shared.keys[publicKey]
	return ha1, known
}
