package listener

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// room is a server with a low connection limit. GET /work begins when the test receives
// from working and responds when it receives from release; GET /long has a response
// larger than any buffer; other paths respond immediately.
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

// client is a connection to a room.
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

// send sends a request or part of one.
func (r *room) send(c client, text string) {
	r.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		r.Fatal(err)
	}
}

// answer reads a response that keeps the connection open.
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

// until waits until the server has n connections, of which the given number wait.
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
