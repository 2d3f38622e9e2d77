package opsmanager

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
)

const (
	maxBody   = 64 << 10 // bytes, compressed and decompressed
	maxHeader = 64 << 10 // bytes
	// idleTimeout outlives the usual scrape intervals; Jetty closes idle
	// connections earlier.
	idleTimeout = 5 * time.Minute
)

// transport sends requests to one Ops Manager with one TLS configuration.
type transport struct {
	kept    *http.Transport // keeps its connections
	fresh   *http.Transport // always opens a new one, after a kept one broke
	header  http.Header
	observe func(Exchange)
	retired atomic.Bool // no connection is to be kept any more
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
	return newConnection(conn, &t.retired), nil
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

// exchange sends one request over kept or fresh and reads the whole response. It
// tells whether the request went out on a connection that had served before.
func (t *transport) exchange(ctx context.Context, target *url.URL, attempts *digest.Attempts, over *http.Transport) (*answer, bool, error) {
	p := &progress{target: target, header: maps.Clone(t.header), attempts: attempts}
	req := (&http.Request{
		Method: http.MethodGet,
		URL:    target,
		Header: p.header,
		Body:   noReplay{},
		// Without it net/http would wait for the body's first byte, and send it
		// chunked if none came within 200 ms of a throttled CPU.
		TransferEncoding: []string{"identity"},
	}).WithContext(withConnectionTrace(withDialDeadline(httptrace.WithClientTrace(ctx, p.trace()))))

	start := time.Now()
	a, err := roundTrip(over, req)
	seen := Exchange{Duration: time.Since(start)}
	if a != nil {
		seen.StatusCode = a.code
		seen.Version = parseVersion(a.header.Get("X-MongoDB-Service-Version"))
	}
	if t.observe != nil {
		t.observe(seen)
	}
	if t.retired.Load() {
		t.kept.CloseIdleConnections() // the request may have begun just before
	}
	conn := p.conn.Load()
	if a != nil && (a.code >= http.StatusInternalServerError || a.code == http.StatusRequestTimeout) {
		// A gateway that gave up may still send the answer that it waited for.
		conn.end()
	}
	switch {
	case p.failed != nil:
		err = &Error{Reason: ReasonUnauthorized, Err: p.failed}
	case p.unasked.Load():
		err = &Error{Reason: ReasonBadResponse, Err: errUnasked}
	case err != nil:
		err = p.failure(ctx, err, a)
	default:
		a.conn, a.credentials = conn, p.credentials
		return a, p.reused, nil
	}
	return nil, p.reused, err
}

// roundTrip returns the response with its body read. Where the body breaks it
// returns what there is of the response as well as the error.
func roundTrip(over *http.Transport, req *http.Request) (*answer, error) {
	// RoundTrip and not Client.Do: it never follows a redirect.
	resp, err := over.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answer{code: resp.StatusCode, header: resp.Header}
	if a.code == http.StatusSwitchingProtocols {
		return a, nil // the "body" is the connection itself, which no context ends
	}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if len(a.body) > maxBody {
		a.body, a.tooLarge = a.body[:maxBody], true
	}
	return a, err
}

// noReplay is an empty body that net/http cannot rewind: it would otherwise
// send a GET that meets a broken kept connection again on every idle one, while
// the poll's time runs out. It still sends a plain GET without a body.
type noReplay struct{}

func (noReplay) Read([]byte) (int, error) { return 0, io.EOF }
func (noReplay) Close() error             { return nil }

// WriteTo spares net/http a buffer of 32 KiB for each request.
func (noReplay) WriteTo(io.Writer) (int64, error) { return 0, nil }
