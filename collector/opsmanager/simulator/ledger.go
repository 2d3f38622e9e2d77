package simulator

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// ledger tracks the open connections and running handlers of one server.
type ledger struct {
	counts   *counter
	handlers sync.WaitGroup
	conns    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{}
}

// enter registers a request. It returns false if the server is closed.
func (l *ledger) enter(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.handlers.Add(1)
	l.counts.count(id, func(c *Counts) {
		c.Requests++
		c.InFlight++
		c.MaxInFlight = max(c.MaxInFlight, c.InFlight)
	})
	return true
}

// leave unregisters a request.
func (l *ledger) leave(id string) {
	l.counts.count(id, func(c *Counts) { c.InFlight-- })
	l.handlers.Done()
}

// refuse rejects further requests, so that wait can return.
func (l *ledger) refuse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// wait waits for all handlers and connections. refuse must be called first.
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
		l.counts.count("", func(c *Counts) { c.Connections++; c.Open++ })
	case http.StateClosed, http.StateHijacked:
		delete(l.open, c)
		l.counts.count("", func(c *Counts) { c.Open-- })
		l.conns.Done() // last, because callers of wait check the counts
	}
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

// rawConn returns the connection below TLS. Closing it sends no close_notify and does
// not wait for a writer.
func rawConn(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}
