package opsmanager

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

// maxBody is the maximum size in bytes of the body with a status.
const maxBody = 64 << 10

// request is a request that may be sent several times.
type request struct {
	target *url.URL
	limit  int    // of the body of the response in bytes, both compressed and decompressed
	form   string // sent with POST; "" for GET
}

// exchange sends one request over kept or fresh and reads the complete response. It
// also reports whether the request used an existing connection.
func (t *transport) exchange(ctx context.Context, r request, auth authorizer, over *http.Transport) (*answer, bool, error) {
	p := &progress{transport: t, header: maps.Clone(t.header), auth: auth}
	req := &http.Request{
		Method: http.MethodGet,
		URL:    r.target,
		Header: p.header,
		Body:   noReplay{},
		// Without it net/http would wait for the body's first byte, and would use
		// chunked encoding if a throttled CPU did not provide it within 200 ms.
		TransferEncoding: []string{"identity"},
	}
	if r.form != "" {
		p.header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Method, req.Body, req.ContentLength, req.TransferEncoding = http.MethodPost, io.NopCloser(strings.NewReader(r.form)), int64(len(r.form)), nil
	}
	req = req.WithContext(withConnectionTrace(withDialDeadline(httptrace.WithClientTrace(ctx, p.trace()))))

	start := time.Now()
	a, err := roundTrip(over, req, r.limit)
	seen := Exchange{Duration: time.Since(start)}
	if a != nil {
		seen.StatusCode = a.code
		seen.Version = t.versions.of(a.header.Get(versionHeader))
	}
	if t.observe != nil {
		t.observe(seen)
	}
	if t.retired.Load() {
		t.kept.CloseIdleConnections() // retire may have missed this request's connection
	}
	conn := p.conn.Load()
	if a != nil && (a.code >= http.StatusInternalServerError || a.code == http.StatusRequestTimeout) {
		// A gateway that timed out may still forward the response it waited for.
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

// roundTrip returns the response including its body. If reading the body fails, it
// returns the partial response together with the error. limit is that of the body.
func roundTrip(over *http.Transport, req *http.Request, limit int) (*answer, error) {
	// Unlike Client.Do, RoundTrip never follows a redirect.
	resp, err := over.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answer{code: resp.StatusCode, header: resp.Header, limit: limit}
	if a.code == http.StatusSwitchingProtocols {
		return a, nil // the body is the connection itself; no context ends reads of it
	}
	if n := resp.ContentLength; n > 0 && n <= int64(limit) { // io.ReadAll allocates 512 bytes for some twenty
		a.body = make([]byte, n)
		_, err = io.ReadFull(resp.Body, a.body)
		return a, err
	}
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if len(a.body) > limit {
		a.body, a.tooLarge = a.body[:limit], true
	}
	return a, err
}

// noReplay is an empty body that net/http cannot rewind. Otherwise net/http would
// retry a GET on every idle connection if they are broken, and use up the poll's time.
// The request is still a plain GET without a body.
type noReplay struct{}

func (noReplay) Read([]byte) (int, error) { return 0, io.EOF }
func (noReplay) Close() error             { return nil }

// WriteTo saves net/http a buffer of 32 KiB for each request.
func (noReplay) WriteTo(io.Writer) (int64, error) { return 0, nil }
