package simulator

import (
	"net/http"
	"slices"
	"time"
)

// Answer writes the response to a request. It is called concurrently. Several
// organizations may use the same Answer and then share its state, if any.
type Answer func(w http.ResponseWriter, r *http.Request)

// Org is an organization and its responses.
type Org struct {
	// Name is its name in the list of organizations.
	Name string
	// Deleted keeps the organization in the list, with isDeleted, and nowhere else.
	Deleted bool
	// Keys are the public keys and the client IDs of service accounts of the
	// organization. Any other valid key or account gets 401 USER_UNAUTHORIZED, unless
	// SetGlobal named it. nil accepts all. SetOrg copies the slice.
	Keys []string
	// Answer responds to authenticated requests. nil means Status("SYNCED").
	Answer Answer
	// BeforeAuth, if set, responds without authentication or delay, like network
	// faults and load balancers.
	BeforeAuth Answer
	// Delay is the delay between authentication and the response. It ends early when
	// the client disconnects or the server is closed.
	Delay time.Duration
}

// SetOrg adds or replaces the organization from the next request on.
func (s *Server) SetOrg(id string, o Org) {
	o.Keys = slices.Clone(o.Keys)
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	s.shared.orgs[id] = o
}

// RemoveOrg removes the organization from the next request on.
func (s *Server) RemoveOrg(id string) {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	delete(s.shared.orgs, id)
}

// SetKey adds an API key or changes its private key.
func (s *Server) SetKey(publicKey, privateKey string) {
	ha1 := s.hash(publicKey, realm, privateKey)
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	s.shared.keys[publicKey] = ha1
}

// RemoveKey removes an API key from the next request on.
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
