package simulator

import "sync"

// Counts is what the servers of one Ops Manager have seen since they started or
// ResetCounts was called.
// A request is counted when its headers were read, an answer just before its
// own are written.
type Counts struct {
	Requests     int // all, those for the health check included
	OK           int // answered with 200
	Unauthorized int // answered with 401, with a challenge or without
	Challenges   int // answered with 401 and a challenge
	Stale        int // challenges with stale=true
	Refused      int // challenges with stale=false to a request that brought an Authorization: wrong key, replay, malformed

	InFlight    int // requests being answered now
	MaxInFlight int // highest InFlight

	Connections int // accepted; always 0 for an organization
	Open        int // connections open now; always 0 for an organization
}

// Counts returns the counts of all requests.
func (s *Server) Counts() Counts {
	s.shared.counts.mu.Lock()
	defer s.shared.counts.mu.Unlock()
	return s.shared.counts.total
}

// OrgCounts returns the counts of the requests for the status of one
// organization, be it known to the server or not.
func (s *Server) OrgCounts(id string) Counts {
	s.shared.counts.mu.Lock()
	defer s.shared.counts.mu.Unlock()
	if c := s.shared.counts.orgs[id]; c != nil {
		return *c
	}
	return Counts{}
}

// ResetCounts sets all counts to 0, except for those of what is going on:
// InFlight and Open stay, and MaxInFlight starts from InFlight.
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

// counter keeps counts.
type counter struct {
	mu    sync.Mutex
	total Counts
	orgs  map[string]*Counts
}

// count applies f to the counts of all requests and, where orgID is not empty,
// to those of the organization.
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
