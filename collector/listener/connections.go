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
	// mostConnections are enough for a thousand scrapes at once, and few enough for
	// their headers to fit into memory.
	mostConnections = 1024
	// leastConnections are kept even where hardly any file may be open.
	leastConnections = 8
)

// connections bounds how many connections are open. When there is no room for
// another one, that which has waited longest for its client is closed: first
// those that wait for a request, then those that wait for an answer to be read.
// Requests that are being worked on are never given up; if there is nothing
// else, the new connection is.
type connections struct {
	limit int

	mu   sync.Mutex
	open map[net.Conn]*connection
}

// connection is what is known of one. connections.mu guards it.
type connection struct {
	waiting bool      // for a request, or for the rest of its header
	since   time.Time // when it began to wait for its client, in this way or another
	working int       // requests whose answer has not begun; HTTP/2 has several
}

// limitConnections bounds the connections of a server, whose handler must be set.
func limitConnections(server *http.Server, limit int) *connections {
	c := &connections{limit: limit, open: make(map[net.Conn]*connection)}
	server.ConnState = c.changed
	server.ConnContext = c.accepted
	server.Handler = c.handler(server.Handler)
	return c
}

// maxConnections is half of the files that the process may have open: polls need
// the others.
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
		return // it was closed to make room
	}
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	case http.StateActive, http.StateIdle:
		n.waiting, n.since = state == http.StateIdle, time.Now()
	}
}

// longestWaiting returns the connection to be closed for a new one, nil if every
// one has a request that is being worked on.
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

// cut closes a connection at once: closing TLS properly would wait for the
// client.
func cut(conn net.Conn) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	conn.Close()
}

// working returns for how many requests no answer has begun.
func (c *connections) working() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := 0
	for _, n := range c.open {
		sum += n.working
	}
	return sum
}

// handler tells when a request is being worked on: until its answer begins.
func (c *connections) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, ok := r.Context().Value(connectionKey{}).(*connection)
		if !ok {
			panic(http.ErrAbortHandler) // there was no room for this connection
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

// answer tells when it begins.
type answer struct {
	http.ResponseWriter
	began func()
}

// Unwrap is for http.ResponseController.
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
