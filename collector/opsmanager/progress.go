package opsmanager

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
)

// progress is a request on its way. Hooks may still run in goroutines of net/http
// after it has ended.
type progress struct {
	transport *transport
	target    *url.URL
	header    http.Header
	attempts  *digest.Attempts

	// Written by gotConn, in the goroutine of the poll.
	credentials *digest.Credentials // nil for none
	failed      error               // why there are none
	reused      bool                // the connection had served before

	conn     atomic.Pointer[connection] // nil before there is one
	tls      atomic.Pointer[tls.Conn]   // nil without TLS
	shaking  atomic.Bool                // in the TLS handshake
	answered atomic.Bool                // the first byte of a response came
	unasked  atomic.Bool                // and it was there before the request
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

// gotConn authorizes the request: it is known now which connection it takes, and
// net/http writes the header after this hook.
func (p *progress) gotConn(info httptrace.GotConnInfo) {
	below := info.Conn
	layer, _ := below.(*tls.Conn)
	p.tls.Store(layer)
	for ok := layer != nil; ok; layer, ok = below.(*tls.Conn) { // a proxy may add a layer
		below = layer.NetConn()
	}
	conn, ok := below.(*connection)
	if !ok {
		conn = &connection{Conn: below, transport: p.transport} // never: transport.dial makes them
	}
	conn.take(p.tls.Load() != nil)
	p.conn.Store(conn)
	p.reused = info.Reused
	// The request's own context bounds the connection from here on. If this fails
	// it is broken, which the request will meet.
	_ = info.Conn.SetDeadline(time.Time{})

	p.credentials, p.failed = p.attempts.Authorize(&conn.route, http.MethodGet, p.target)
	if p.failed != nil {
		conn.end()
	}
	p.set("Authorization", p.credentials.Authorization())
	p.set("Cookie", p.credentials.Cookie())
}

// set sets a header, or removes it if net/http has come back for another
// connection.
func (p *progress) set(name, value string) {
	if value == "" {
		delete(p.header, name)
	} else {
		p.header[name] = []string{value}
	}
}

func (p *progress) gotFirstByte() {
	p.answered.Store(true)
	if conn := p.conn.Load(); !conn.began() {
		p.unasked.Store(true)
		// At once: net/http gives the connection to the next request as soon as it
		// has read the body, and that one would get the real answer to this one.
		conn.refuse()
	}
}

// spokeFirst tells whether the server spoke before it was asked, as those of
// other protocols do (SSH, SMTP, MySQL).
func (p *progress) spokeFirst() bool {
	conn := p.conn.Load()
	return conn != nil && conn.spokeFirst.Load()
}

// ended tells whether the connection was read to its end.
func (p *progress) ended() bool {
	conn := p.conn.Load()
	return conn != nil && conn.ended.Load()
}

// alert returns the TLS alert that a connection ended with where err says only
// that it is closed. With TLS 1.3 a server refuses the client's certificate when
// the request is already being written, and chance decides which of the two
// errors net/http returns; the connection remembers the alert.
func (p *progress) alert(err error) error {
	var op *net.OpError
	conn := p.tls.Load()
	if conn == nil || !errors.Is(err, net.ErrClosed) && (!errors.As(err, &op) || op.Op != "write") {
		return err
	}
	_ = conn.SetReadDeadline(time.Now()) // it is closed; no read may block
	if _, cause := conn.Read(make([]byte, 1)); errors.As(cause, &op) && op.Op == "remote error" {
		return cause
	}
	return err
}
