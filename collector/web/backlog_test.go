package web

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/wait"
)

// pages serves a page of the given size.
func pages(t *testing.T, b *backlog, size int) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &page{code: http.StatusOK, header: make(http.Header)}
		for rest := size; rest > 0; rest -= 1000 {
			_, _ = p.Write(bytes.Repeat([]byte{'x'}, min(rest, 1000)))
		}
		b.sendPage(w, r, p)
	}))
	t.Cleanup(server.Close)
	return server
}

// stall requests a page and does not read it.
func stall(t *testing.T, server *httptest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

func (b *backlog) state() (answers, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.all), b.bytes
}

// However many clients do not read, the memory for their responses stays limited, and
// clients that read get a complete response.
func TestBacklog(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	var b backlog
	server := pages(t, &b, size)
	for range 20 {
		stall(t, server)
		resp, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if n != size || err != nil {
			t.Fatalf("who reads gets %d of %d bytes: %v", n, size, err)
		}
		if n, bytes := b.state(); bytes > maxBacklog {
			t.Errorf("%d answers wait, of %d bytes", n, bytes)
		}
	}
	server.CloseClientConnections()
	wait.For(t, "nothing waits", func() bool { n, bytes := b.state(); return n == 0 && bytes == 0 })
}

// A response larger than the backlog is sent nevertheless.
func TestBacklogGreatAnswers(t *testing.T) {
	t.Parallel()
	var b backlog
	server := pages(t, &b, maxBacklog+1)
	stall(t, server)
	for range 2 {
		resp, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if n != maxBacklog+1 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	server.CloseClientConnections()
}

// countingWriter is a response writer that notes the size of the backlog at each write.
type countingWriter struct {
	http.ResponseWriter
	backlog *backlog
	bytes   []int
	most    int // writes that succeed
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if len(w.bytes) == w.most {
		return 0, io.ErrClosedPipe
	}
	_, bytes := w.backlog.state()
	w.bytes = append(w.bytes, bytes-connectionSize)
	return w.ResponseWriter.Write(p)
}

// The memory of a page is released as it is sent, until its client is gone.
func TestPageIsReleased(t *testing.T) {
	t.Parallel()
	all := []int{firstPiece + pieceSize + 1, pieceSize + 1, 1}
	for most := range len(all) + 1 {
		var b backlog
		p := &page{code: http.StatusOK, header: make(http.Header)}
		_, _ = p.Write(make([]byte, all[0]))
		w := &countingWriter{httptest.NewRecorder(), &b, nil, most}
		b.sendPage(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), p)
		if !slices.Equal(w.bytes, all[:most]) {
			t.Errorf("held %v bytes at each write, want %v", w.bytes, all[:most])
		}
		for i, piece := range p.body {
			if (piece == nil) != (i < most) {
				t.Errorf("after %d writes, piece %d is held: %t", most, i, piece != nil)
			}
		}
	}
	w := httptest.NewRecorder()
	p := &page{code: http.StatusTeapot, header: make(http.Header), body: [][]byte{{1}}, size: 1}
	new(backlog).sendPage(w, httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/", nil), p)
	if w.Code != http.StatusTeapot || w.Header().Get("Content-Length") != "1" || w.Body.Len() != 0 {
		t.Errorf("HEAD: status %d, %v, %d bytes", w.Code, w.Header(), w.Body.Len())
	}
}

// deadlineWriter is a response writer that remembers its deadline.
type deadlineWriter struct {
	http.ResponseWriter
	deadline time.Time
}

func (w *deadlineWriter) SetWriteDeadline(t time.Time) error {
	w.deadline = t
	return nil
}

// A response that is given up is aborted, also while it is being written, and writes no more.
func TestGiveUp(t *testing.T) {
	t.Parallel()
	var b backlog
	w := &deadlineWriter{ResponseWriter: httptest.NewRecorder()}
	b.send(w, maxBacklog-2*connectionSize-1, func(s *sending) {
		b.send(httptest.NewRecorder(), 1, func(*sending) {}) // exactly as much as there may be
		if n, err := s.Write([]byte("x")); n != 1 || err != nil || time.Until(w.deadline) <= 0 {
			t.Errorf("before: %d, %v, deadline %s", n, err, w.deadline)
		}
		b.send(httptest.NewRecorder(), 2, func(*sending) {})
		if n, err := s.Write([]byte("x")); n != 0 || !errors.Is(err, errGivenUp) || time.Until(w.deadline) > 0 {
			t.Errorf("after: %d, %v, deadline %s", n, err, w.deadline)
		}
		s.sent(1) // is not counted any more
	})
	if n, bytes := b.state(); n != 0 || bytes != 0 {
		t.Errorf("%d answers are left, of %d bytes", n, bytes)
	}
}

// The response with the most unread bytes for the longest time is aborted: a large old
// one rather than a small old one or a large new one.
func TestSlowest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name string
		all  []sending
		want int
	}{
		{"the older", []sending{{bytes: 10, read: now.Add(-time.Second)}, {bytes: 10, read: now.Add(-2 * time.Second)}}, 1},
		{"the greater", []sending{{bytes: 20, read: now.Add(-time.Second)}, {bytes: 10, read: now.Add(-time.Second)}}, 0},
		{"not the one that is read", []sending{{bytes: 1000, read: now.Add(time.Hour)}, {bytes: 10, read: now.Add(-time.Second)}}, 1},
		{"the only one", []sending{{bytes: 1000, read: now.Add(time.Hour)}}, 0},
	} {
		b := backlog{all: make(map[*sending]bool)}
		for i := range tt.all {
			b.all[&tt.all[i]] = true
		}
		if got := b.slowest(); got != &tt.all[tt.want] {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}
