package opsmanager

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// failure classifies the error of a request without a complete response. a is the
// partial response, or nil if there is none.
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
		// After the deadline, the error of the cancelled request is meaningless.
		e.Reason, e.Err = ReasonTimeout, errTimeout
	case errors.As(err, &dns):
		e.Reason = ReasonDNS
	case errors.As(err, &proxy):
		e.Reason = ReasonConnect
	case p.spokeFirst():
		// net/http may or may not notice this before it writes the request, so its
		// error varies.
		e.Reason, e.Err = ReasonBadResponse, errNotHTTP
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		// A TLS alert; the text that net/http puts before it varies.
		e.Reason, e.Err = ReasonTLS, alertError(op)
	case broken(err):
		e.Reason = ReasonConnect
	case p.shaking.Load():
		e.Reason, e.Err = ReasonTLS, withoutNames(err)
	case p.tls.Load() != nil && speaksHTTP2(err):
		// A server without ALPN: it did not announce HTTP/2 in the handshake.
		e.Reason, e.Err = ReasonTLS, &handshakeError{noHTTP1, errNotHTTP}
	case a != nil || p.answered.Load():
		// The text of net/http's error quotes the response.
		e.Reason, e.Err = ReasonBadResponse, errNotHTTP
		if p.ended() {
			e.Reason, e.Err = ReasonConnect, io.ErrUnexpectedEOF
		}
	case errors.As(err, &op):
		e.Reason = ReasonConnect
	default:
		// The text may quote a proxy's response or URL.
		e.Reason, e.Err = ReasonConnect, errBroken
	}
	return e
}

// speaksHTTP2 reports whether err quotes a response that begins like an HTTP/2 frame
// (RFC 9113, section 4.1: with its length, which is small for SETTINGS and GOAWAY).
func speaksHTTP2(err error) bool {
	return strings.Contains(err.Error(), `malformed HTTP response "\x00\x00`)
}

func (p *progress) expired(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	// On a reused connection, the deadline may be that of the poll that dialed it.
	if !p.reused && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)) {
		return true
	}
	deadline, ok := ctx.Deadline() // the connection's own timer may fire first
	return ok && !time.Now().Before(deadline)
}

// broken reports whether a connection could not be opened or broke.
func broken(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &op) && (op.Op == "dial" || op.Op == "read" || op.Op == "write")
}
