package listener

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// mostConnections allows a thousand concurrent scrapes, and is low enough for
	// their headers to fit into memory.
	mostConnections = 1024
	// leastConnections is the limit even if the limit of open files is very low.
	leastConnections = 8
)

// connections limits the number of open connections. At the limit, a new connection
// closes the one that has waited longest for its client: first among those waiting
// for a request, then among those waiting for the client to read a response. Requests
// being handled are never aborted; if all connections have some, the new connection
// is closed.
type connections struct {
	limit int

	mu   sync.Mutex
	open map[net.Conn]*connection
}

// connection is the state of one connection, guarded by connections.mu.
type connection struct {
	waiting bool      // for a request, or for the rest of its header
	since   time.Time // when it began to wait for its client
	working int       // requests whose response has not begun; HTTP/2 allows several
}

// limitConnections limits the connections of a server, whose handler must be set.
func limitConnections(server *http.Server, limit int) *connections {
	c := &connections{limit: limit, open: make(map[net.Conn]*connection)}
	server.ConnState = c.changed
	server.ConnContext = c.accepted
	server.Handler = c.handler(server.Handler)
	return c
}

// maxConnections returns the connection limit: at most half of the files that the
// process may open, because polls need the other half.
func maxConnections() int {
	return max(min(cmp.Or(maxFiles(), 2*mostConnections)/2, mostConnections), leastConnections)
}

type connectionKey struct{}

// accepted implements http.Server.ConnContext.
func (c *connections) accepted(ctx context.Context, conn net.Conn) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= c.limit {
		victim := c.longestWaiting()
		if victim == nil {
			victim = conn
		}
		delete(c.open, victim)
		cut(victim)
		if victim == conn {
			return ctx
		}
	}
	n := &connection{waiting: true, since: time.Now()}
	c.open[conn] = n
	return context.WithValue(ctx, connectionKey{}, n)
}

// changed implements http.Server.ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.open[conn]
	if n == nil {
		return // it was closed for another connection
	}
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	case http.StateActive, http.StateIdle:
		n.waiting, n.since = state == http.StateIdle, time.Now()
	}
}

// longestWaiting returns the connection to be closed for a new one, or nil if every
// connection has a request being handled.
func (c *connections) longestWaiting() net.Conn {
	var idle, unread net.Conn
	for conn, n := range c.open {
		switch {
		case n.working > 0:
		case n.waiting && (idle == nil || n.since.Before(c.open[idle].since)):
			idle = conn
		case !n.waiting && (unread == nil || n.since.Before(c.open[unread].since)):
			unread = conn
		}
	}
	return cmp.Or(idle, unread)
}

// cut closes a connection immediately. A proper TLS close would wait for the client.
func cut(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	conn.Close()
}

// working returns the number of requests whose response has not begun.
func (c *connections) working() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := 0
	for _, n := range c.open {
		sum += n.working
	}
	return sum
}

// handler counts a request as being handled until its response begins.
func (c *connections) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, ok := r.Context().Value(connectionKey{}).(*connection)
		if !ok {
			panic(http.ErrAbortHandler) // the connection was closed at the limit
		}
		c.mu.Lock()
		n.working++
		c.mu.Unlock()
		a := &answer{ResponseWriter: w, began: sync.OnceFunc(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			n.working--
			n.since = time.Now()
		})}
		defer a.began()
		next.ServeHTTP(a, r)
	})
}

// answer is a response writer that calls began when the response begins.
type answer struct {
	http.ResponseWriter
	began func()
}

// Unwrap implements the interface that http.ResponseController uses.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(code int) {
	a.began()
	a.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.began()
	return a.ResponseWriter.Write(p)
}
