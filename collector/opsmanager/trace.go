package opsmanager

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http/httptrace"
	"strings"
	"time"
)

// Trace is called for each step of a poll with a text that contains no key, no digest
// material and no free text from upstream. It is called concurrently, possibly even
// after the poll has ended because net/http continues to dial.
type Trace func(step string)

type traceKey struct{}

// WithTrace returns a context that makes a poll report its steps to t.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

func traced(ctx context.Context) bool { return ctx.Value(traceKey{}) != nil }

// tell reports a step if the poll of ctx is traced.
func tell(ctx context.Context, format string, args ...any) {
	if t, ok := ctx.Value(traceKey{}).(Trace); ok {
		t(fmt.Sprintf(format, args...))
	}
}

// withConnectionTrace makes the poll report how it gets its connection.
func withConnectionTrace(ctx context.Context) context.Context {
	if !traced(ctx) {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(i httptrace.DNSStartInfo) { tell(ctx, "  resolve %s", i.Host) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			addresses := make([]string, len(i.Addrs))
			for n, a := range i.Addrs {
				addresses[n] = a.String()
			}
			if i.Err == nil {
				tell(ctx, "  resolved to %s", strings.Join(addresses, ", "))
			}
		},
		ConnectStart: func(_, address string) { tell(ctx, "  connect to %s", address) },
		ConnectDone: func(_, address string, err error) {
			if err == nil {
				tell(ctx, "  connected to %s", address)
			}
		},
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			if err != nil || len(s.PeerCertificates) == 0 {
				return
			}
			expiry := s.PeerCertificates[0].NotAfter
			resumed := ""
			if s.DidResume {
				resumed = ", resumed"
			}
			tell(ctx, "  %s%s; the certificate expires %s (in %d days)", tls.VersionName(s.Version), resumed,
				expiry.UTC().Format(time.RFC3339), int(time.Until(expiry).Hours()/24))
		},
		GotConn: func(i httptrace.GotConnInfo) {
			if i.Reused {
				tell(ctx, "  reused connection to %s, idle for %s", remote(i.Conn), i.IdleTime.Round(time.Millisecond))
			}
		},
	})
}

func remote(conn net.Conn) string {
	if a := conn.RemoteAddr(); a != nil {
		return a.String()
	}
	return "an unknown address"
}

// tellAnswer reports a response without quoting it.
func tellAnswer(ctx context.Context, a *answer) {
	if !traced(ctx) {
		return
	}
	what := cmp.Or(a.refusal.what, "a response")
	more := ""
	if a.tooLarge {
		more = " and more"
	}
	tell(ctx, "  HTTP %d, %d bytes%s: %s", a.code, len(a.body), more, what)
}

// shape describes a body without quoting it.
func shape(body []byte) string {
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		return "empty"
	case trimmed[0] == '<':
		return "not JSON; it looks like HTML"
	case !json.Valid(body):
		return "not a single JSON value"
	case trimmed[0] != '{':
		return "a JSON value that is not an object"
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return "a JSON object that cannot be read"
	}
	status := "no status"
	if value, ok := members["status"]; ok {
		status = "status is not a string"
		if value[0] == '"' {
			status = "status is a string"
		}
	}
	if len(members) == 1 {
		return "a JSON object with 1 member, " + status
	}
	return fmt.Sprintf("a JSON object with %d members, %s", len(members), status)
}
