package listener

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// At the limit, the connection that has waited longest is closed, whatever it waits for,
// and the new one is served immediately.
func TestRoomForNewcomers(t *testing.T) {
	r := newRoom(t, 3)
	r.Start()
	silent := r.dial()
	r.until(1, 1)
	half := r.dial()
	r.send(half, "GET / HTTP/1.1\r\nHost: x\r\n")
	r.until(2, 2)
	idle := r.dial()
	r.send(idle, get)
	r.answer(idle)
	r.until(3, 3)
	for _, victim := range []client{silent, half, idle} {
		newcomer := r.dial()
		r.closed(victim)
		r.send(newcomer, get)
		r.answer(newcomer)
		r.until(3, 3)
	}
	// The client served last has waited least.
	last := r.dial()
	r.send(last, get)
	r.answer(last)
	for range 2 {
		r.dial()
		r.until(3, 3)
	}
	r.open(last)
}

// Requests being handled are never aborted; a client that does not read is closed if no
// other client waits.
func TestWorkIsKept(t *testing.T) {
	r := newRoom(t, 3)
	r.Start()
	working := r.dial()
	r.send(working, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
	<-r.working
	unread := r.dial()
	r.send(unread, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := unread.Peek(1); err != nil { // its response has begun
		t.Fatal(err)
	}
	r.until(2, 0)
	idle := r.dial()
	r.until(3, 1)
	for range 3 {
		next := r.dial()
		r.closed(idle)
		r.until(3, 1)
		idle = next
	}
	r.send(idle, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
	<-r.working
	r.until(3, 0) // unread is still there
	third := r.dial()
	r.send(third, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
	<-r.working
	r.closed(unread)

	if got := r.conns.working(); got != 3 {
		t.Errorf("%d requests are being worked on, want 3", got)
	}
	r.closed(r.dial()) // no connection can be closed for it
	for range 3 {
		r.released <- true
	}
	for _, c := range []client{working, idle, third} {
		r.answer(c)
	}
	if got := r.conns.working(); got != 0 {
		t.Errorf("%d requests are being worked on, want none", got)
	}
	r.until(3, 3)
	newcomer := r.dial()
	r.send(newcomer, get)
	r.answer(newcomer)
}

// An HTTP/2 connection can have several requests; clients that do not complete the
// handshake are closed like others.
func TestRoomWithHTTP2(t *testing.T) {
	r := newRoom(t, 2)
	r.EnableHTTP2 = true
	r.StartTLS()
	silent := r.dial()
	r.until(1, 1)
	ask := func(path string) error {
		resp, err := r.Client().Get(r.URL + path)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err == nil && (string(body) != "answered\n" || resp.ProtoMajor != 2) {
			err = fmt.Errorf("HTTP/%d: %q", resp.ProtoMajor, body)
		}
		return err
	}
	results := make(chan error, 2)
	go func() { results <- ask("/work") }()
	<-r.working
	go func() { results <- ask("/work") }()
	<-r.working
	r.until(2, 1)
	for range 3 { // each closes the previous one
		next := r.dial()
		r.closed(silent)
		silent = next
	}
	r.released <- true
	r.released <- true
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	r.until(2, 2)
	r.dial()
	r.dial() // now it has waited longest
	r.until(2, 2)
	if ask("/") == nil {
		return
	}
	if err := ask("/"); err != nil { // the first request may have been in flight
		t.Errorf("after its connection made room: %v", err)
	}
}

func TestMaxConnections(t *testing.T) {
	if got := maxConnections(); got < leastConnections || got > mostConnections || maxFiles() > 2*leastConnections && got > maxFiles()/2 {
		t.Errorf("%d connections with %d files", got, maxFiles())
	}
}

// Closing the connection of a TLS client that does not read does not block.
func TestCutTLS(t *testing.T) {
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	certified.Close()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		server := tls.Server(near, certified.TLS)
		shaken := make(chan error, 1)
		go func() { shaken <- server.Handshake() }()
		client := tls.Client(far, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
		if err := errors.Join(client.Handshake(), <-shaken); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		cut(server)
		if took := time.Since(begun); took > 0 {
			t.Errorf("took %s", took)
		}
	})
}

func TestAnswerUnwraps(t *testing.T) {
	r := newRoom(t, 1)
	r.Config.Handler = r.conns.handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
	}))
	r.Start()
	c := r.dial()
	r.send(c, strings.Replace(get, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
	r.closed(c)
}
