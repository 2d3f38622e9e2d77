package opsmanager

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/authority"
)

// A server that demands a client certificate refuses the connection by a TLS alert, which
// net/http may report as any error of the connection.
func TestAlert(t *testing.T) {
	ca := authority.New(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", ca.Demand(ca.Server(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1)) // shakes hands, and fails
			c.Close()
		}
	}()
	trust := ca.Trust()
	trust.ServerName = "127.0.0.1"
	connection, err := (&tls.Dialer{Config: trust}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := connection.Read(make([]byte, 1)); err == nil {
		t.Fatal("no alert")
	}
	const alert = "remote error: tls: certificate required"
	closed, unread := fmt.Errorf("write: %w", net.ErrClosed), &net.OpError{Op: "read", Err: io.ErrClosedPipe}
	for name, tt := range map[string]struct {
		tls  *tls.Conn
		err  error
		want string
	}{
		"closed":       {connection.(*tls.Conn), closed, alert},
		"write":        {connection.(*tls.Conn), &net.OpError{Op: "write", Err: io.ErrClosedPipe}, alert},
		"read":         {connection.(*tls.Conn), unread, unread.Error()},
		"end":          {connection.(*tls.Conn), io.EOF, io.EOF.Error()},
		"without TLS":  {nil, closed, closed.Error()},
		"not an alert": {tls.Client(closedPipe(), trust), closed, closed.Error()},
	} {
		p := &progress{}
		p.tls.Store(tt.tls)
		if got := p.alert(tt.err); got.Error() != tt.want || (tt.want != alert) != errors.Is(got, tt.err) {
			t.Errorf("%s: got %v, want %s", name, got, tt.want)
		}
	}
}

// The deadline of a connection ends a poll like the poll's own, unless it is that of
// another poll, which opened the connection.
func TestExpired(t *testing.T) {
	later, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	over, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	dial, other := &net.OpError{Op: "dial", Err: context.DeadlineExceeded}, &net.OpError{Op: "read", Err: net.ErrClosed}
	for name, tt := range map[string]struct {
		ctx    context.Context
		err    error
		reused bool
		want   bool
	}{
		"over":             {over, other, true, true},
		"no deadline":      {t.Context(), other, false, false},
		"another error":    {later, other, false, false},
		"read":             {later, fmt.Errorf("read: %w", os.ErrDeadlineExceeded), false, true},
		"dial":             {later, dial, false, true},
		"of another poll":  {later, fmt.Errorf("read: %w", os.ErrDeadlineExceeded), true, false},
		"of another poll,": {later, dial, true, false},
	} {
		if got := (&progress{reused: tt.reused}).expired(tt.ctx, tt.err); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// closedPipe returns a connection that its peer has closed.
func closedPipe() net.Conn {
	near, far := net.Pipe()
	far.Close()
	return near
}
