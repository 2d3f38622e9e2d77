package opsmanager

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	maxHeader = 64 << 10 // bytes of a response header
	// idleTimeout is longer than the usual scrape intervals; Jetty closes idle
	// connections earlier.
	idleTimeout = 5 * time.Minute
	// distrustFor is how long no connection is reused after an unsolicited response.
	distrustFor = 10 * time.Minute
)

// transport sends requests to one Ops Manager with one TLS configuration.
type transport struct {
	kept    *http.Transport // keeps connections
	fresh   *http.Transport // opens a new connection for each request
	header  http.Header
	observe func(Exchange)
	retired atomic.Bool // keep no more connections

	versions   versions
	distrusted atomic.Pointer[time.Time] // time of the last unsolicited response; nil for never
}

func newTransport(opts Options, tlsConfig *tls.Config) *transport {
	if tlsConfig == nil {
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	// Only HTTP/1.1: Ops Manager supports it, and with one poll at a time per
	// connection, a broken connection fails one poll and not all. The handshake with a
	// server that supports only HTTP/2 fails with a clear error.
	tlsConfig = tlsConfig.Clone()
	tlsConfig.NextProtos = []string{"http/1.1"}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)

	header := http.Header{}
	header.Set("Accept", "application/json")
	// Compressing a body of some twenty bytes would cost both sides more than all
	// else. If a server compresses nevertheless, this package decompresses: net/http
	// would report corrupt gzip like a broken connection.
	header.Set("Accept-Encoding", "identity")
	header.Set("Cache-Control", "no-cache")
	header.Set("User-Agent", opts.UserAgent)

	t := &transport{header: header, observe: opts.Observe}
	t.kept = &http.Transport{
		DialContext:            t.dial,
		Proxy:                  opts.Proxy,
		ProxyConnectHeader:     opts.ProxyConnectHeader,
		OnProxyConnectResponse: checkProxy,
		TLSClientConfig:        tlsConfig,
		DisableKeepAlives:      opts.NewConnectionPerRequest,
		MaxIdleConns:           opts.MaxConnections,
		MaxIdleConnsPerHost:    opts.MaxConnections,
		MaxConnsPerHost:        opts.MaxConnections,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		Protocols:              protocols,
	}
	t.fresh = t.kept.Clone()
	t.fresh.DisableKeepAlives = true
	return t
}

// dial opens a connection with the deadline of the poll, which thus also limits CONNECT
// and the TLS handshake. [progress.gotConn] removes the deadline when a request gets
// the connection.
func (t *transport) dial(ctx context.Context, network, address string) (net.Conn, error) {
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
	return &connection{Conn: conn, transport: t}, nil
}

// dialDeadline passes a poll's deadline to [transport.dial]. net/http continues a dial
// after its request has ended, with the request's context values but not its deadline.
// Without this, dials to a host that drops packets would use up MaxConnsPerHost for
// minutes.
type dialDeadline struct{}

func withDialDeadline(ctx context.Context) context.Context {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, dialDeadline{}, deadline)
}

// retire closes idle connections at once and others when they become idle. net/http
// keeps connections again after a further request, so polls in flight continue with
// the fresh transport.
func (t *transport) retire() {
	t.retired.Store(true)
	t.kept.CloseIdleConnections()
}

// distrust records an unsolicited response. Other connections may hold one too, and
// a wrong status read from them might be exposed before that is detected.
func (t *transport) distrust() {
	now := time.Now()
	t.distrusted.Store(&now)
}

// keeps reports whether connections are reused.
func (t *transport) keeps() bool {
	since := t.distrusted.Load()
	return !t.retired.Load() && (since == nil || time.Since(*since) > distrustFor)
}
