package opsmanager

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// dialDeadline carries a poll's deadline to [dial]. net/http lets a dial go on
// after the request that wanted it has given up, and keeps the request's values
// but not its deadline: dials to a host that swallows packets would otherwise
// hold the connections of later polls for minutes.
type dialDeadline struct{}

func withDialDeadline(ctx context.Context) context.Context {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, dialDeadline{}, deadline)
}

// dial opens a connection whose deadline is the poll's, so that a proxy's CONNECT
// and the TLS handshake end with it too; [progress.trace] lifts it when a
// request gets the connection.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	deadline, _ := ctx.Value(dialDeadline{}).(time.Time)
	dialer := &net.Dialer{Deadline: deadline}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, err
	}
	return &watchedConn{Conn: conn}, nil
}

// watchedConn knows of a connection what net/http does not tell.
type watchedConn struct {
	net.Conn
	ended atomic.Bool  // read to its end: net/http calls a line of headers that breaks off malformed
	turn  atomic.Int32 // whose turn it is, from [turnIdle] on

	written    atomic.Bool // something was
	spokeFirst atomic.Bool // something was read before that: HTTP and TLS servers do not speak first
}

// A connection's turns: it goes to a request, which is written, and then
// something is read.
const (
	turnIdle = iota
	turnWritten
	turnRead
)

func (c *watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.turn.CompareAndSwap(turnWritten, turnRead)
		if !c.written.Load() {
			c.spokeFirst.Store(true)
		}
	}
	if err != nil {
		c.ended.Store(true)
	}
	return n, err
}

func (c *watchedConn) Write(b []byte) (int, error) {
	c.written.Store(true)
	c.turn.CompareAndSwap(turnIdle, turnWritten)
	return c.Conn.Write(b)
}

// unasked tells, when an answer begins, whether nothing was read since its
// request was written: then it was there before, sent with the answer to another
// request, and may be about another organization. HTTP/1.1 has no way to tell
// more: an answer too many that comes after the next request was written passes.
func (c *watchedConn) unasked() bool { return c.turn.Load() != turnRead }

// watched returns what is below conn and its layers of TLS.
func watched(conn net.Conn) *watchedConn {
	for {
		layer, ok := conn.(*tls.Conn)
		if !ok {
			break
		}
		conn = layer.NetConn()
	}
	w, _ := conn.(*watchedConn)
	return w
}

// progress records how far a request came. The hooks may still run in a dialing
// goroutine after the request has ended.
type progress struct {
	reused   atomic.Bool
	shaking  atomic.Bool // in the TLS handshake
	answered atomic.Bool // the first byte of a response came
	unasked  atomic.Bool // and it was there before the request
	conn     atomic.Pointer[net.Conn]
}

func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart: func() { p.shaking.Store(true) },
		TLSHandshakeDone:  func(_ tls.ConnectionState, err error) { p.shaking.Store(err != nil) },
		GotFirstResponseByte: func() {
			p.answered.Store(true)
			if w := p.watched(); w != nil && w.unasked() {
				p.unasked.Store(true)
				// At once: net/http gives the connection to the next request as
				// soon as it has read the body, and that one would get the real
				// answer to this one.
				w.Close()
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			p.reused.Store(info.Reused)
			p.conn.Store(&info.Conn)
			if w := watched(info.Conn); w != nil {
				w.turn.Store(turnIdle)
			}
			// The request's own context bounds the connection from here on. If
			// this fails it is broken, which the request will meet.
			_ = info.Conn.SetDeadline(time.Time{})
		},
	}
}

// watched returns the connection that the request went out on, nil if it got none.
func (p *progress) watched() *watchedConn {
	if conn := p.conn.Load(); conn != nil {
		return watched(*conn)
	}
	return nil
}

// spokeFirst tells whether the server spoke before it was asked, as those of
// other protocols do (SSH, SMTP, MySQL).
func (p *progress) spokeFirst() bool {
	w := p.watched()
	return w != nil && w.spokeFirst.Load()
}

// failure classifies the error of a request that got no whole answer. a is what
// there is of the response, nil if there is none.
func (p *progress) failure(ctx context.Context, err error, a *answer) *Error {
	err = p.alert(err)
	e := &Error{Err: err}
	var (
		dns   *net.DNSError
		op    *net.OpError
		proxy *ProxyError
	)
	switch {
	case p.expired(ctx, err):
		// Once the deadline has passed, what the cancelled request says is moot.
		e.Reason, e.Err = ReasonTimeout, errTimeout
	case errors.As(err, &dns):
		e.Reason = ReasonDNS
	case errors.As(err, &proxy):
		e.Reason = ReasonConnect
	case p.spokeFirst():
		// Whether net/http sees that before the request is under way, and what it
		// says then, is chance.
		e.Reason, e.Err = ReasonBadResponse, errNotHTTP
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		// A TLS alert; net/http puts varying words before it.
		e.Reason, e.Err = ReasonTLS, op
	case broken(err):
		e.Reason = ReasonConnect
	case p.shaking.Load():
		e.Reason, e.Err = ReasonTLS, withoutNames(err)
	case a != nil || p.answered.Load():
		// The text of net/http's error quotes what came.
		e.Reason, e.Err = ReasonBadResponse, errNotHTTP
		if w := p.watched(); w != nil && w.ended.Load() {
			e.Reason, e.Err = ReasonConnect, io.ErrUnexpectedEOF
		}
	case errors.As(err, &op):
		e.Reason = ReasonConnect
	default:
		// The text may quote what a proxy sent, or the proxy's URL.
		e.Reason, e.Err = ReasonConnect, errBroken
	}
	return e
}

// withoutNames gives errors about a certificate a text without the names in it,
// which the server chose.
func withoutNames(err error) error {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return &certificateError{"the server's certificate is for another name", err}
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return &certificateError{"the server's certificate is signed by an authority that is not trusted", err}
	}
	return err
}

// certificateError is an error about a certificate; what it wraps tells more.
type certificateError struct {
	text string
	err  error
}

// Error implements error.
func (e *certificateError) Error() string { return e.text }

// Unwrap returns the error of package x509.
func (e *certificateError) Unwrap() error { return e.err }

// alert returns the TLS alert that a connection ended with where err says only
// that it is closed. With TLS 1.3 a server refuses the client's certificate when
// the request is already being written, and chance decides which of the two
// errors net/http returns; the connection remembers the alert.
func (p *progress) alert(err error) error {
	var op *net.OpError
	var conn *tls.Conn
	if got := p.conn.Load(); got != nil {
		conn, _ = (*got).(*tls.Conn)
	}
	if conn == nil || !errors.Is(err, net.ErrClosed) && (!errors.As(err, &op) || op.Op != "write") {
		return err
	}
	_ = conn.SetReadDeadline(time.Now()) // it is closed; no read may block
	if _, cause := conn.Read(make([]byte, 1)); errors.As(cause, &op) && op.Op == "remote error" {
		return cause
	}
	return err
}

func (p *progress) expired(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	// A kept connection may have died by the deadline of the poll that dialed it.
	if !p.reused.Load() && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)) {
		return true
	}
	deadline, ok := ctx.Deadline() // the connection's own timer may be the faster one
	return ok && !time.Now().Before(deadline)
}

// broken tells whether a connection could not be had or ended early.
func broken(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &op) && (op.Op == "dial" || op.Op == "read" || op.Op == "write")
}

// ProxyError is a proxy's answer to CONNECT other than 200.
type ProxyError struct{ StatusCode int }

// Error implements error.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy refused CONNECT with HTTP %d", e.StatusCode)
}

func checkProxy(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{resp.StatusCode}
	}
	return nil
}

var (
	errTimeout = errors.New("no whole answer before the deadline")
	errBroken  = errors.New("no connection, or it broke")
)
