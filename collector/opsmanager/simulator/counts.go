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
	Refused      int // challenges with stale=false to a request with Authorization: wrong key, replay, malformed

	InFlight    int // requests in flight
	MaxInFlight int // highest InFlight

	Connections int // connections accepted; always 0 for an organization
	Open        int // open connections; always 0 for an organization
}

// Counts returns the counts of all requests.
func (s *Server) Counts() Counts {
	s.shared.counts.mu.Lock()
	defer s.shared.counts.mu.Unlock()
	return s.shared.counts.total
}

// OrgCounts returns the counts of requests for the status of one organization, whether
// or not it exists.
func (s *Server) OrgCounts(id string) Counts {
	s.shared.counts.mu.Lock()
	defer s.shared.counts.mu.Unlock()
	if c := s.shared.counts.orgs[id]; c != nil {
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
	for _, c := range s.shared.counts.orgs {
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
	orgs  map[string]*Counts
}

// count applies f to the counts of all requests and, if orgID is not empty, to those of
// the organization.
func (c *counter) count(orgID string, f func(*Counts)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.total)
	if orgID == "" {
		return
	}
	org := c.orgs[orgID]
	if org == nil {
		org = &Counts{}
		c.orgs[orgID] = org
	}
	f(org)
}
