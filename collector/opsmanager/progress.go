package opsmanager

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// progress is a request in progress. Hooks may still run in goroutines of net/http
// after it has ended.
type progress struct {
	transport *transport
	header    http.Header
	auth      authorizer

	// Written by gotConn in the poll's goroutine.
	credentials credentials // nil for none
	failed      error       // why they could not be computed
	reused      bool        // the connection has served a request before

	conn     atomic.Pointer[connection] // nil until there is one
	tls      atomic.Pointer[tls.Conn]   // nil without TLS
	shaking  atomic.Bool                // in the TLS handshake, or it failed
	answered atomic.Bool                // the first byte of a response arrived
	unasked  atomic.Bool                // it cannot be the response to this request
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart:    func() { p.shaking.Store(true) },
		TLSHandshakeDone:     func(_ tls.ConnectionState, err error) { p.shaking.Store(err != nil) },
		GotConn:              p.gotConn,
		GotFirstResponseByte: p.gotFirstByte,
		PutIdleConn: func(err error) {
			if err == nil {
				p.conn.Load().idle()
			}
		},
	}
}

// gotConn adds the credentials to the request. Only now is its connection known, and
// net/http writes the header after this hook.
func (p *progress) gotConn(info httptrace.GotConnInfo) {
	below := info.Conn
	layer, _ := below.(*tls.Conn)
	p.tls.Store(layer)
	for ok := layer != nil; ok; layer, ok = below.(*tls.Conn) { // an HTTPS proxy adds a layer
		below = layer.NetConn()
	}
	conn, ok := below.(*connection)
	if !ok {
		conn = &connection{Conn: below, transport: p.transport} // never: transport.dial returns a *connection
	}
	conn.take(p.tls.Load() != nil)
	p.conn.Store(conn)
	p.reused = info.Reused
	// From here on, the context of each request limits the connection. If this fails,
	// the connection is broken and the request fails too.
	_ = info.Conn.SetDeadline(time.Time{})

	p.credentials, p.failed = p.auth.authorize(conn)
	if p.failed != nil {
		conn.end()
	}
	var authorization, cookie string
	if p.credentials != nil {
		authorization, cookie = p.credentials.Authorization(), p.credentials.Cookie()
	}
	p.set("Authorization", authorization)
	p.set("Cookie", cookie)
}

// set sets a header unless value is empty.
func (p *progress) set(name, value string) {
	if value != "" {
		p.header[name] = []string{value}
	}
}

func (p *progress) gotFirstByte() {
	p.answered.Store(true)
	if conn := p.conn.Load(); !conn.began() {
		p.unasked.Store(true)
		// Not later: once net/http has read the body, the next request gets the
		// connection, and with it the real response to this one.
		conn.refuse()
	}
}

// spokeFirst reports whether the server sent data before it received any, as in other
// protocols (SSH, SMTP, MySQL).
func (p *progress) spokeFirst() bool {
	conn := p.conn.Load()
	return conn != nil && conn.spokeFirst.Load()
}

// ended reports whether a read from the connection failed, at its end or otherwise.
func (p *progress) ended() bool {
	conn := p.conn.Load()
	return conn != nil && conn.ended.Load()
}

// alert returns the TLS alert that closed a connection if err says only that it is
// closed. With TLS 1.3 a server rejects a client certificate while the request is
// being written, and net/http may return either error; the connection remembers the
// alert.
func (p *progress) alert(err error) error {
	var op *net.OpError
	conn := p.tls.Load()
	if conn == nil || !errors.Is(err, net.ErrClosed) && (!errors.As(err, &op) || op.Op != "write") {
		return err
	}
	_ = conn.SetReadDeadline(time.Now()) // the read below must not block
	if _, cause := conn.Read(make([]byte, 1)); errors.As(cause, &op) && op.Op == "remote error" {
		return cause
	}
	return err
}
