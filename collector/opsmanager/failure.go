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
		e.Reason, e.Err = ReasonTLS, alertError(op)
	case broken(err):
		e.Reason = ReasonConnect
	case p.shaking.Load():
		e.Reason, e.Err = ReasonTLS, withoutNames(err)
	case p.tls.Load() != nil && speaksHTTP2(err):
		// It did not say so in the handshake, as a server without ALPN.
		e.Reason, e.Err = ReasonTLS, &handshakeError{noHTTP1, errNotHTTP}
	case a != nil || p.answered.Load():
		// The text of net/http's error quotes what came.
		e.Reason, e.Err = ReasonBadResponse, errNotHTTP
		if p.ended() {
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

// speaksHTTP2 reports whether an answer began like a frame of HTTP/2 (RFC 9113,
// section 4.1: its length, which is short for SETTINGS or GOAWAY), by what
// net/http says of it.
func speaksHTTP2(err error) bool {
	return strings.Contains(err.Error(), `malformed HTTP response "\x00\x00`)
}

func (p *progress) expired(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	// A kept connection may have died by the deadline of the poll that dialed it.
	if !p.reused && (errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)) {
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
