package listener

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector/listener/webconfig"
	"opsmanager_exporter/collector/testkit/testfile"
)

// inMemory is a listener whose connections are pipes, for use with virtual time.
type inMemory struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newInMemory() *inMemory {
	return &inMemory{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *inMemory) dial() net.Conn {
	near, far := net.Pipe()
	l.conns <- far
	return near
}

func (l *inMemory) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *inMemory) Close() error {
	close(l.closed)
	return nil
}

func (l *inMemory) Addr() net.Addr { return &net.TCPAddr{} }

// life serves handler until end is called, which returns how long the shutdown took and
// the error of Serve.
func life(handler http.HandlerFunc) (l *inMemory, end func() (time.Duration, error)) {
	return lifeOf(Options{Handler: handler})
}

func lifeOf(o Options) (l *inMemory, end func() (time.Duration, error)) {
	l = newInMemory()
	o.Listeners, o.Logger = []net.Listener{l}, slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, o)
	}()
	return l, func() (time.Duration, error) {
		cancel()
		begun := time.Now()
		err := <-ended
		return time.Since(begun), err
	}
}

func TestStop(t *testing.T) {
	takes := func(d time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(d):
				fmt.Fprint(w, "answered")
			case <-r.Context().Done():
			}
		}
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		reads   bool
		answer  string // what the client receives
		err     string
		least   time.Duration
		most    time.Duration
	}{
		{"a scrape in flight is answered", takes(20 * time.Second), true, "answered", "", 20 * time.Second, 21 * time.Second},
		{"one that takes too long is not", takes(time.Hour), true, "", "stopped after 25s with 1 requests unanswered", StopTimeout, StopTimeout},
		{"a client that does not read its answer holds nothing up for long", takes(0), false, "", "", StopTimeout, StopTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, end := life(tt.handler)
				c := l.dial()
				go func() { _, _ = io.WriteString(c, get) }()
				answer := make(chan string, 1)
				if tt.reads {
					go func() {
						text, _ := io.ReadAll(c)
						_, body, _ := strings.Cut(string(text), "\r\n\r\n")
						answer <- body
					}()
				}
				synctest.Wait()
				took, err := end()
				if got := fmt.Sprint(err); got != cmp.Or(tt.err, "<nil>") || took < tt.least || took > tt.most {
					t.Errorf("got %s after %s", got, took)
				}
				if tt.reads {
					if got := <-answer; got != tt.answer {
						t.Errorf("answer %q, want %q", got, tt.answer)
					}
				}
				c.Close()
			})
		})
	}
}

// A client that withholds part of a request cannot keep its connection beyond the timeout.
func TestPatience(t *testing.T) {
	for _, tt := range []struct {
		name, sends string
		takes       time.Duration // until the connection is closed
	}{
		{"nothing", "", headerTimeout},
		{"half a header", "GET / HTTP/1.1\r\nHost: x\r\n", headerTimeout},
		{"no second request", get, idleTimeout},
		{"a body that does not come", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", bodyTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, end := life(func(http.ResponseWriter, *http.Request) {})
				c, begun := l.dial(), time.Now()
				go func() { _, _ = io.WriteString(c, tt.sends) }()
				_, _ = io.Copy(io.Discard, c)
				if took := time.Since(begun); took < tt.takes || took > tt.takes+time.Second {
					t.Errorf("took %s, want %s", took, tt.takes)
				}
				if _, err := end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Nor can one that is refused before its request is handled.
func TestPatienceWithRefused(t *testing.T) {
	file := testfile.New(t, "web.yml", "basic_auth_users: {scraper: $2y$04$n2wjvmi5JgLGIhtmALP1K.vN7rUGrTMHuMYR5d3oFPm.TBXBsS4ia}\n")
	security, err := webconfig.Open(t.Context(), file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		l, end := lifeOf(Options{Security: security, Handler: http.NotFoundHandler()})
		c, begun := l.dial(), time.Now()
		go func() { _, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n") }()
		answer, _ := io.ReadAll(c)
		if took := time.Since(begun); took != bodyTimeout || !strings.HasPrefix(string(answer), "HTTP/1.1 401 ") {
			t.Errorf("took %s, want %s: %s", took, bodyTimeout, answer)
		}
		if _, err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestHeaderSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, end := life(func(http.ResponseWriter, *http.Request) {})
		for size, want := range map[int]int{16 << 10: 200, 17 << 10: 431} {
			c := l.dial()
			go fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", size-len("Host: x\r\nX: \r\n")))
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != want {
				t.Errorf("header of %d bytes: status %d, want %d", size, resp.StatusCode, want)
			}
			c.Close()
		}
		if _, err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	_, err = Listen(t.Context(), []string{"127.0.0.1:0", address, "192.0.2.1:1", "vsock://:x"}, false)
	want := `--web.listen-address="` + address + `": address already in use: stop the program that listens there, or choose another port
--web.listen-address="192.0.2.1:1": cannot assign requested address: use an address of this host, or :port for all of them
--web.listen-address="vsock://:x": strconv.ParseUint: parsing "x": invalid syntax`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := Listen(t.Context(), nil, true); err == nil || err.Error() != "--web.systemd-socket: systemd passed no socket: start the exporter through its socket unit" {
		t.Errorf("no socket: %v", err)
	}
	listeners, err := Listen(t.Context(), []string{"127.0.0.1:0", "localhost:0"}, false)
	if err != nil || len(listeners) != 2 {
		t.Fatalf("%d listeners, %v", len(listeners), err)
	}
	for _, l := range listeners {
		l.Close()
	}
}

// Client behavior does not cause warnings.
func TestErrorLog(t *testing.T) {
	for message, want := range map[string]string{
		"http: TLS handshake error from 192.0.2.1:1: EOF":                                               "DEBUG",
		"http: TLS handshake error from 192.0.2.1:1: remote error: tls: bad certificate":                "DEBUG",
		"http: TLS handshake error from 192.0.2.1:1: client sent an HTTP request to an HTTPS server":    "DEBUG",
		"http2: server connection error from 192.0.2.1:1: connection error: PROTOCOL_ERROR":             "DEBUG",
		"http2: server: error reading preface from client 192.0.2.1:1: bogus greeting":                  "DEBUG",
		"timeout waiting for SETTINGS frames from 192.0.2.1:1":                                          "DEBUG",
		"http: Accept error: accept tcp 127.0.0.1:1: accept4: too many open files; retrying in 5ms":     "WARN",
		"http: superfluous response.WriteHeader call from main.f (main.go:1)":                           "WARN",
		"http: panic serving 192.0.2.1:1: runtime error: index out of range\ngoroutine 1 [running]:":    "ERROR",
		"http2: panic serving 192.0.2.1:1: runtime error: index out of range\ngoroutine 1 [running]:\n": "ERROR",
	} {
		var log bytes.Buffer
		newErrorLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))).Print(message)
		if !strings.Contains(log.String(), "level="+want+" ") || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("%s: %s", message, log.String())
		}
	}
}
