package opsmanager_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/wait"
)

// drip sends text byte by byte until the peer closes the connection.
func drip(c net.Conn, text string) {
	for {
		for i := range len(text) {
			if _, err := c.Write([]byte{text[i]}); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// Every incomplete response ends with the poll's context, is reported as a timeout and
// leaves no connection open.
func TestTimeout(t *testing.T) {
	proxied := func(o *opsmanager.Options, address string) {
		through(address)(o)
		o.URL.Scheme, o.URL.Host = "https", "nonexistent.invalid"
	}
	direct := func(*opsmanager.Options, string) {}
	asked := func(handle func(net.Conn)) func(net.Conn) {
		return func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				handle(c)
			}
		}
	}
	started := func(answer string) func(net.Conn) {
		return asked(func(c net.Conn) { _, _ = io.WriteString(c, answer); drain(c) })
	}
	dripping := func(answer string) func(net.Conn) { return asked(func(c net.Conn) { drip(c, answer) }) }
	secure := func(o *opsmanager.Options, _ string) { o.URL.Scheme = "https" }
	for name, tt := range map[string]struct {
		handle  func(net.Conn)
		options func(o *opsmanager.Options, address string)
		code    int
	}{
		"TLS handshake":         {drain, secure, 0},
		"half a TLS record":     {func(c net.Conn) { _, _ = io.WriteString(c, "\x16\x03\x03\x40\x00\x02"); drain(c) }, secure, 0},
		"slow TLS record":       {func(c net.Conn) { drip(c, "\x16\x03\x03\x40\x00"+strings.Repeat("\x02", 0x4000)) }, secure, 0},
		"CONNECT":               {drain, proxied, 0},
		"slow CONNECT":          {dripping("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 60<<10)), proxied, 0},
		"handshake after proxy": {started("HTTP/1.1 200 OK\r\n\r\n"), proxied, 0},
		"no answer":             {drain, direct, 0},
		"half of the headers":   {started("HTTP/1.1 200 OK\r\nX:"), direct, 0},
		"slow headers":          {dripping("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 60<<10)), direct, 0},
		"slow 103s":             {dripping("HTTP/1.1 103 Early Hints\r\n\r\n"), direct, 0},
		"half of the body":      {started("HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{"), direct, 200},
		"whole status, no end":  {started("HTTP/1.1 200 OK\r\n\r\n{\"status\":\"SYNCED\"}"), direct, 200},
		"slow body":             {dripping("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat(" ", 60<<10)), direct, 200},
		"slow 401":              {dripping("HTTP/1.1 401 No\r\nWWW-Authenticate: Digest\r\n\r\n" + strings.Repeat(" ", 60<<10)), direct, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wait.Growing(t, 200*time.Millisecond, func(limit time.Duration) error { // within which the headers must arrive
				closed := make(chan struct{}, 1)
				address := listen(t, func(c net.Conn, _ int) {
					tt.handle(c)
					closed <- struct{}{}
				})
				r := newRig(t, "http://"+address, func(o *opsmanager.Options) { tt.options(o, address) })
				begun := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				status, err := r.read(ctx, keyOf(testPublic, testPrivate), testOrg)
				if took := time.Since(begun); took < limit || took > 2*limit {
					return fmt.Errorf("took %s", took)
				}
				if codes := r.codes(); !slices.Equal(codes, []int{tt.code}) {
					return fmt.Errorf("got exchanges %v, want %d", codes, tt.code)
				}
				soon(t, "the connection is closed", closed) // while the client is open
				return failure{opsmanager.ReasonTimeout, 0, "", "no complete response before the deadline"}.difference(status, err)
			})
		})
	}
}

// A server that switches protocols keeps its connection open; no context ends reads of it.
func TestSwitchingProtocols(t *testing.T) {
	closed := make(chan struct{})
	address := listen(t, func(c net.Conn, _ int) {
		defer close(closed)
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		drain(c)
	})
	status, err := newRig(t, "http://"+address, nil).poll(t)
	failure{opsmanager.ReasonBadResponse, 101, "", "HTTP 101"}.check(t, status, err)
	soon(t, "the connection is closed", closed)
}

// An endless response is not read forever, even without a deadline.
func TestEndlessAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		first, on string
		want      failure
	}{
		"header line":  {"HTTP/1.1 200 OK\r\nX: ", "y", failure{opsmanager.ReasonBadResponse, 0, "", "the response is not valid HTTP"}},
		"header lines": {"HTTP/1.1 200 OK\r\n", "X-Y: z\r\n", failure{opsmanager.ReasonBadResponse, 0, "", "the response is not valid HTTP"}},
		"103s":         {"", "HTTP/1.1 103 Early Hints\r\n\r\n", failure{opsmanager.ReasonBadResponse, 0, "", "the response is not valid HTTP"}},
		"body":         {"HTTP/1.1 200 OK\r\n\r\n" + `{"status":"SYNCED"}`, " ", failure{opsmanager.ReasonBadResponse, 200, "", "HTTP 200: the body is larger than 64 KiB"}},
		"chunks":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", failure{opsmanager.ReasonBadResponse, 200, "", "HTTP 200: the body is larger than 64 KiB"}},
		"body of 401":  {"HTTP/1.1 401 No\r\n\r\n", " ", failure{opsmanager.ReasonUnauthorized, 401, "", "HTTP 401: the response has no digest challenge"}},
	} {
		t.Run(name, func(t *testing.T) {
			address := listen(t, func(c net.Conn, _ int) {
				_, err := request(c, bufio.NewReader(c))
				if err == nil {
					_, err = io.WriteString(c, tt.first)
				}
				for more := strings.Repeat(tt.on, 1000); err == nil; {
					_, err = io.WriteString(c, more)
				}
			})
			status, err := newRig(t, "http://"+address, nil).poll(t)
			tt.want.check(t, status, err)
		})
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	s := simulate(t, simulator.Options{}, simulator.Org{Answer: simulator.Hang()})
	r := newRig(t, s.URL(), nil)
	for name, cause := range map[string]error{"plain": nil, "with cause": errors.New("secret " + testPrivate)} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(20*time.Millisecond, func() { cancel(cause) })
			status, err := r.read(ctx, keyOf(testPublic, testPrivate), testOrg)
			failure{opsmanager.ReasonTimeout, 0, "", "no complete response before the deadline"}.check(t, status, err)
		})
	}
	t.Run("before the start", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		status, err := r.read(ctx, keyOf(testPublic, testPrivate), testOrg)
		failure{opsmanager.ReasonTimeout, 0, "", "no complete response before the deadline"}.check(t, status, err)
	})
}

// After the deadline, the error of the cancelled request is ignored, and a poll that timed
// out does not affect the next one.
func TestAfterTimeout(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := simulate(t, simulator.Options{}, simulator.Org{Answer: simulator.Sequence(
		func(w http.ResponseWriter, r *http.Request) {
			cancel() // at the request with credentials
			simulator.Hang()(w, r)
		},
		simulator.Status("SYNCED"),
	)})
	r := newRig(t, s.URL(), nil)
	_, err := r.read(ctx, keyOf(testPublic, testPrivate), testOrg)
	if opsmanager.ReasonOf(err) != opsmanager.ReasonTimeout {
		t.Errorf("got %v", err)
	}
	r.synced(t)
	if n := s.Counts().Requests; n != 3 {
		t.Errorf("got %d requests, want 3: the nonce still serves", n)
	}
}
