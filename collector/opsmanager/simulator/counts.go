package simulator

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// Counts is what a server has seen since it started or ResetCounts was called.
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
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.total
}

// OrgCounts returns the counts of the requests for the status of one
// organization, be it known to the server or not.
func (s *Server) OrgCounts(id string) Counts {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	if c := s.ledger.orgs[id]; c != nil {
		return *c
	}
	return Counts{}
}

// ResetCounts sets all counts to 0, except for those of what is going on:
// InFlight and Open stay, and MaxInFlight starts from InFlight.
func (s *Server) ResetCounts() {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.total.reset()
	for _, c := range s.ledger.orgs {
		c.reset()
	}
}

func (c *Counts) reset() {
	*c = Counts{Open: c.Open, InFlight: c.InFlight, MaxInFlight: c.InFlight}
}

// ledger keeps the counts, the open connections and the running handlers.
type ledger struct {
	handlers sync.WaitGroup
	conns    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	total  Counts
	orgs   map[string]*Counts
	open   map[net.Conn]struct{}
}

func newLedger() ledger {
	return ledger{orgs: map[string]*Counts{}, open: map[net.Conn]struct{}{}}
}

// count applies f to the counts of all requests and, where orgID is not empty,
// to those of the organization.
func (l *ledger) count(orgID string, f func(*Counts)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.countLocked(orgID, f)
}

func (l *ledger) countLocked(orgID string, f func(*Counts)) {
	f(&l.total)
	if orgID == "" {
		return
	}
	c := l.orgs[orgID]
	if c == nil {
		c = &Counts{}
		l.orgs[orgID] = c
	}
	f(c)
}

// enter counts a request in. It reports false when the server is closed.
func (l *ledger) enter(orgID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.handlers.Add(1)
	l.countLocked(orgID, func(c *Counts) {
		c.Requests++
		c.InFlight++
		c.MaxInFlight = max(c.MaxInFlight, c.InFlight)
	})
	return true
}

// leave counts a request out that entered.
func (l *ledger) leave(orgID string) {
	l.count(orgID, func(c *Counts) { c.InFlight-- })
	l.handlers.Done()
}

// refuse lets no request enter any more, so that wait can end.
func (l *ledger) refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// wait waits for all handlers and connections, once no more can come.
func (l *ledger) wait() {
	l.handlers.Wait()
	l.conns.Wait()
}

// connection is the ConnState hook of the server.
func (l *ledger) connection(c net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch state {
	case http.StateNew:
		l.conns.Add(1)
		l.open[c] = struct{}{}
		l.total.Connections++
	case http.StateClosed, http.StateHijacked:
		l.conns.Done()
		delete(l.open, c)
	}
	l.total.Open = len(l.open)
}

func (l *ledger) closeConnections() {
	l.mu.Lock()
	open := make([]net.Conn, 0, len(l.open))
	for c := range l.open {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		_ = rawConn(c).Close()
	}
}

// rawConn is the connection below TLS: closing that says no goodbye and does
// not wait for a writer.
func rawConn(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}
