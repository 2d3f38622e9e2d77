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
	maxHeader = 64 << 10 // bytes of a response's header
	// idleTimeout outlives the usual scrape intervals; Jetty closes idle
	// connections earlier.
	idleTimeout = 5 * time.Minute
	// distrustFor is how long no connection serves twice after one held an answer
	// too many.
	distrustFor = 10 * time.Minute
)

// transport sends requests to one Ops Manager with one TLS configuration.
type transport struct {
	kept    *http.Transport // keeps its connections
	fresh   *http.Transport // always opens a new one, after a kept one broke
	header  http.Header
	observe func(Exchange)
	retired atomic.Bool // no connection is to be kept any more

	versions   versions
	distrusted atomic.Pointer[time.Time] // when a connection last held an answer too many; nil for never
}

func newTransport(opts Options, tlsConfig *tls.Config) *transport {
	if tlsConfig == nil {
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	// HTTP/1.1 alone: Ops Manager speaks it, and one poll to a connection means
	// that a connection that dies takes one poll with it, not all of them. A front
	// end that speaks HTTP/2 alone is told so in the handshake.
	tlsConfig = tlsConfig.Clone()
	tlsConfig.NextProtos = []string{"http/1.1"}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)

	header := http.Header{}
	header.Set("Accept", "application/json")
	// The body has some twenty bytes: compressing it would cost both sides more
	// than all else. A server that compresses unasked is understood, here and not
	// by net/http, which takes broken gzip for a broken connection.
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

// dial opens a connection whose deadline is the poll's, so that a proxy's CONNECT
// and the TLS handshake end with it too; [progress.gotConn] lifts it when a
// request gets the connection.
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

// dialDeadline carries a poll's deadline to [transport.dial]. net/http lets a dial
// go on after the request that wanted it has given up, and keeps the request's
// values but not its deadline: dials to a host that swallows packets would
// otherwise hold the connections of later polls for minutes.
type dialDeadline struct{}

func withDialDeadline(ctx context.Context) context.Context {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, dialDeadline{}, deadline)
}

// retire closes the connections, those in use when they fall idle. That holds as
// long as the transport gets no further request, so polls that go on with it use
// the fresh one.
func (t *transport) retire() {
	t.retired.Store(true)
	t.kept.CloseIdleConnections()
}

// distrust notes that a connection held an answer too many. The others may hold
// one too, and what they give is not known to be wrong before it is exposed.
func (t *transport) distrust() {
	now := time.Now()
	t.distrusted.Store(&now)
}

// keeps tells whether connections serve several requests.
func (t *transport) keeps() bool {
	since := t.distrusted.Load()
	return !t.retired.Load() && (since == nil || time.Since(*since) > distrustFor)
}
