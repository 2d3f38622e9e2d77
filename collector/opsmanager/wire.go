package opsmanager

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"opsmanager_exporter/config"
)

const (
	maxBody   = 64 << 10 // bytes, compressed and decompressed
	maxHeader = 64 << 10 // bytes
	// idleTimeout outlives the usual scrape intervals; Jetty closes idle
	// connections earlier.
	idleTimeout  = 5 * time.Minute
	sessionCache = 64 // TLS sessions kept for resumption
)

// wire sends requests to one Ops Manager with one TLS configuration.
type wire struct {
	kept    *http.Transport // keeps its connections
	fresh   *http.Transport // always opens a new one, after a kept one broke
	header  http.Header
	observe func(Exchange)
	retired atomic.Bool // no connection is to be kept any more
}

func newWire(opts Options, tlsConfig *tls.Config) *wire {
	if tlsConfig == nil {
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	tlsConfig = tlsConfig.Clone()
	if tlsConfig.ClientSessionCache == nil {
		tlsConfig.ClientSessionCache = tls.NewLRUClientSessionCache(sessionCache)
	}

	// HTTP/1.1 alone: Ops Manager speaks it, and one poll to a connection means
	// that a connection that dies takes one poll with it, not all of them.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)

	kept := &http.Transport{
		DialContext:            dial,
		Proxy:                  opts.Proxy,
		ProxyConnectHeader:     opts.ProxyConnectHeader,
		OnProxyConnectResponse: checkProxy,
		TLSClientConfig:        tlsConfig,
		MaxIdleConns:           opts.MaxConnections,
		MaxIdleConnsPerHost:    opts.MaxConnections,
		MaxConnsPerHost:        opts.MaxConnections,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // done here, to tell broken gzip from a broken connection
		Protocols:              protocols,
	}
	fresh := kept.Clone()
	fresh.DisableKeepAlives = true

	header := http.Header{}
	header.Set("Accept", "application/json")
	// The body has some twenty bytes: compressing it would cost both sides more
	// than all else. A server that compresses unasked is understood.
	header.Set("Accept-Encoding", "identity")
	header.Set("Cache-Control", "no-cache")
	header.Set("User-Agent", opts.UserAgent)
	return &wire{kept: kept, fresh: fresh, header: header, observe: opts.Observe}
}

// retire closes the connections, those in use when they fall idle. That holds as
// long as the transport gets no further request, so polls that go on with this
// wire use the other one.
func (w *wire) retire() {
	w.retired.Store(true)
	w.kept.CloseIdleConnections()
}

// answer is one whole HTTP response.
type answer struct {
	code     int
	header   http.Header
	body     []byte        // as sent, at most maxBody
	tooLarge bool          // the body goes on behind it
	nonce    *nonce        // of a 401 whose challenge can be answered
	stale    bool          // that challenge says stale=true
	why      error         // why a 401 was not answered, if the code does not say it
	sent     config.Secret // the Authorization of its request
}

// exchange sends one request over transport and reads the whole response. It
// tells whether the request went out on a connection that had served before.
func (w *wire) exchange(ctx context.Context, target *url.URL, authorization string, transport *http.Transport) (*answer, bool, error) {
	var progress progress
	header := w.header
	if authorization != "" {
		header = maps.Clone(header)
		header["Authorization"] = []string{authorization}
	}
	req := (&http.Request{
		Method: http.MethodGet,
		URL:    target,
		Header: header,
		Body:   noReplay{},
		// Without it net/http would wait for the body's first byte, and send it
		// chunked if none came within 200 ms of a throttled CPU.
		TransferEncoding: []string{"identity"},
	}).WithContext(withConnectionTrace(withDialDeadline(httptrace.WithClientTrace(ctx, progress.trace()))))

	start := time.Now()
	a, err := roundTrip(transport, req)
	seen := Exchange{Duration: time.Since(start)}
	if a != nil {
		a.sent = config.NewSecret(authorization)
		seen.StatusCode = a.code
		seen.Version = parseVersion(a.header.Get("X-MongoDB-Service-Version"))
	}
	if w.observe != nil {
		w.observe(seen)
	}
	if w.retired.Load() {
		w.kept.CloseIdleConnections() // the request may have begun just before
	}
	if a != nil && (a.code >= http.StatusInternalServerError || a.code == http.StatusRequestTimeout) {
		// A gateway that gave up may still send the answer that it waited for.
		if conn := progress.watched(); conn != nil {
			conn.Close()
		}
	}
	if progress.unasked.Load() {
		return nil, progress.reused.Load(), &Error{Reason: ReasonBadResponse, Err: errUnasked}
	}
	if err != nil {
		return nil, progress.reused.Load(), progress.failure(ctx, err, a)
	}
	return a, progress.reused.Load(), nil
}

// roundTrip returns the response with its body read. Where the body breaks it
// returns what there is of the response as well as the error.
func roundTrip(transport *http.Transport, req *http.Request) (*answer, error) {
	// RoundTrip and not Client.Do: it never follows a redirect.
	resp, err := transport.RoundTrip(req)
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

// decoded returns the body without its content encoding.
func (a *answer) decoded() ([]byte, error) {
	switch encoding := strings.Join(a.header.Values("Content-Encoding"), ", "); strings.ToLower(encoding) {
	case "", "identity":
		return a.body, nil
	case "gzip", "x-gzip":
	default:
		return nil, errors.New("the body has a content encoding that was not asked for")
	}
	zr, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		return nil, errors.New("the body is not the gzip that its header promises")
	}
	body, err := io.ReadAll(io.LimitReader(zr, maxBody+1))
	switch {
	case err != nil:
		return nil, errors.New("the body is broken gzip")
	case len(body) > maxBody:
		return nil, errTooLarge
	}
	return body, nil
}

// noReplay is an empty body that net/http cannot rewind: it would otherwise
// send a GET that meets a broken kept connection again on every idle one, while
// the poll's time runs out. It still sends a plain GET without a body.
type noReplay struct{}

func (noReplay) Read([]byte) (int, error) { return 0, io.EOF }
func (noReplay) Close() error             { return nil }

// WriteTo spares net/http a buffer of 32 KiB for each request.
func (noReplay) WriteTo(io.Writer) (int64, error) { return 0, nil }
