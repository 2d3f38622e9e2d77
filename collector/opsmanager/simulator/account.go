package simulator

import "time"

const defaultTokenLifetime = time.Hour

// Account is a service account: a client of OAuth 2.0 that gets access tokens by client
// credentials (RFC 6749, section 4.4), as in Cloud Manager.
type Account struct {
	// Secret is the client secret.
	Secret string
	// Lifetime is that of its tokens, reported in whole seconds. The default is one hour.
	Lifetime time.Duration
	// Answer responds to requests for a token with the right secret. nil means Token().
	Answer Answer
	// BeforeAuth, if set, responds to requests for a token with this client ID and any
	// secret, without delay, like network faults and load balancers.
	BeforeAuth Answer
	// Delay is the delay between authentication and the response. It ends early when
	// the client disconnects or the server is closed.
	Delay time.Duration
}

// SetAccount adds a service account or replaces it from the next request on. Its tokens
// stay valid, even if its secret changes. Before the first account the server has neither
// the endpoint for tokens nor bearer authentication, like Ops Manager.
func (s *Server) SetAccount(clientID string, a Account) {
	if a.Lifetime == 0 {
		a.Lifetime = defaultTokenLifetime
	}
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	if s.shared.accounts == nil {
		s.shared.accounts = map[string]Account{}
	}
	s.shared.accounts[clientID] = a
}

// RemoveAccount removes a service account and its tokens from the next request on.
func (s *Server) RemoveAccount(clientID string) {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	delete(s.shared.accounts, clientID)
}

func (s *Server) account(clientID string) (a Account, known bool) {
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	a, known = s.shared.accounts[clientID]
	return a, known
}

func (s *Server) hasAccounts() bool {
	s.shared.mu.RLock()
	defer s.shared.mu.RUnlock()
	return s.shared.accounts != nil
}
