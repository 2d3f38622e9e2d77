package listener

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// room is a server of few connections. GET /work begins when the test receives
// from working and is answered when it receives from release; GET /long has an
// answer that fits into no buffer; other paths answer at once.
type room struct {
	*testing.T
	*httptest.Server
	conns    *connections
	working  chan bool
	released chan bool
}

func newRoom(t *testing.T, limit int) *room {
	r := &room{T: t, working: make(chan bool), released: make(chan bool)}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/work":
			r.working <- true
			<-r.released
		case "/long":
			for range 1 << 10 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}
		fmt.Fprintln(w, "answered")
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.conns = limitConnections(r.Config, limit)
	t.Cleanup(r.Close)
	return r
}

// client is one connection.
type client struct {
	net.Conn
	*bufio.Reader
}

func (r *room) dial() client {
	r.Helper()
	conn, err := net.Dial("tcp", r.Listener.Addr().String())
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { conn.Close() })
	return client{conn, bufio.NewReader(conn)}
}

// send sends a request or a part of it.
func (r *room) send(c client, text string) {
	r.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		r.Fatal(err)
	}
}

// answer reads an answer, whose connection is kept.
func (r *room) answer(c client) {
	r.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	resp, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		r.Errorf("no answer: %v", err)
		return
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "answered\n" {
		r.Errorf("answer %q, %v", body, err)
	}
}

// until waits until the server has n connections and as many of them wait.
func (r *room) until(n, waiting int) {
	r.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		r.conns.mu.Lock()
		open, idle := len(r.conns.open), 0
		for _, c := range r.conns.open {
			if c.waiting {
				idle++
			}
		}
		r.conns.mu.Unlock()
		if open == n && idle == waiting {
			return
		}
		if time.Now().After(deadline) {
			r.Fatalf("%d connections, %d of them waiting; want %d, %d", open, idle, n, waiting)
		}
	}
}

// closed waits until the server has closed the connection.
func (r *room) closed(c client) {
	r.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(io.Discard, c.Reader); err != nil && os.IsTimeout(err) {
		r.Error("the connection stays open")
	}
}

// open fails the test if the server has closed the connection.
func (r *room) open(c client) {
	r.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := c.Peek(1); !os.IsTimeout(err) {
		r.Errorf("the connection is closed: %v", err)
	}
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// At the limit the connection that has waited longest makes room, whatever it
// waits for, and the newcomer is served at once.
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
	// Who was served last has waited least.
	last := r.dial()
	r.send(last, get)
	r.answer(last)
	for range 2 {
		r.dial()
		r.until(3, 3)
	}
	r.open(last)
}

// A request that is being worked on is never given up; a reader that does not
// read is, once nobody else waits.
func TestWorkIsKept(t *testing.T) {
	r := newRoom(t, 3)
	r.Start()
	working := r.dial()
	r.send(working, "GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
	<-r.working
	unread := r.dial()
	r.send(unread, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := unread.Peek(1); err != nil { // its answer has begun
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
	r.closed(r.dial()) // there is nobody to make room
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

// A connection of HTTP/2 has several requests; clients that do not even shake
// hands make room like others.
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
	for range 3 { // they make room for each other
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
	if err := ask("/"); err != nil { // the first may have been on its way
		t.Errorf("after its connection made room: %v", err)
	}
}

func TestMaxConnections(t *testing.T) {
	if got := maxConnections(); got < leastConnections || got > mostConnections || maxFiles() > 2*leastConnections && got > maxFiles()/2 {
		t.Errorf("%d connections with %d files", got, maxFiles())
	}
}

func TestCutTLS(t *testing.T) {
	server, far := net.Pipe() // whose other end does not read
	defer far.Close()
	done := make(chan bool)
	go func() { cut(tls.Server(server, &tls.Config{})); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("waits for the client")
	}
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
