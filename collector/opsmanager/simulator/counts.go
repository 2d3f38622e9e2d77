package simulator

import "sync"

// Counts are the counts of the servers of one Ops Manager since they started or
// ResetCounts was called. A request is counted after its headers are read, a response
// just before its headers are written.
type Counts struct {
	Requests     int // including health checks
	OK           int // responses with 200
	Unauthorized int // responses with 401, with or without a challenge
	Challenges   int // responses with 401 and a challenge
	Stale        int // challenges with stale=true
	Refused      int // challenges with stale=false to a request with Authorization: wrong key or token, replay, malformed

	TokenRequests int // to the endpoint for tokens, included in all of the above
	Tokens        int // access tokens issued

	InFlight    int // requests in flight
	MaxInFlight int // highest InFlight

	Connections int // connections accepted; always 0 for an organization or account
	Open        int // open connections; always 0 for an organization or account
}

// Counts returns the counts of all requests.
func (s *Server) Counts() Counts {
	s.shared.counts.mu.Lock()
	defer s.shared.counts.mu.Unlock()
	return s.shared.counts.total
}

// OrgCounts returns the counts of requests for the status of one organization, whether
// or not it exists.
func (s *Server) OrgCounts(id string) Counts { return s.part(id) }

// AccountCounts returns the counts of requests for tokens of one service account, whether
// or not it exists. Its API requests are not among them.
func (s *Server) AccountCounts(clientID string) Counts { return s.part(clientID) }

func (s *Server) part(id string) Counts {
	s.shared.counts.mu.Lock()
	defer s.shared.counts.mu.Unlock()
	if c := s.shared.counts.parts[id]; c != nil {
		return *c
	}
	return Counts{}
}

// ResetCounts sets all counts to 0 except InFlight and Open, and MaxInFlight to
// InFlight.
func (s *Server) ResetCounts() {
	s.shared.counts.mu.Lock()
	defer s.shared.counts.mu.Unlock()
	s.shared.counts.total.reset()
	for _, c := range s.shared.counts.parts {
		c.reset()
	}
}

func (c *Counts) reset() {
	*c = Counts{Open: c.Open, InFlight: c.InFlight, MaxInFlight: c.InFlight}
}

// counter holds counts.
type counter struct {
	mu    sync.Mutex
	total Counts
	parts map[string]*Counts // by ID of an organization or account
}

// count applies f to the counts of all requests and, if id is not empty, to those of the
// organization or account.
func (c *counter) count(id string, f func(*Counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.total)
	if id == "" {
		return
	}
	part := c.parts[id]
	if part == nil {
		part = &Counts{}
		c.parts[id] = part
	}
	f(part)
}
