package opsmanager_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/leaks"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/config"
)

const (
	testOrg     = "5f1e9c2b8d3a4e0012ab34cd"
	testPublic  = "jkqmzxvt"
	testPrivate = "4f7c1f0e-7d0a-4b8f-9a3c-2f5d8e6b1c90"
	// patience is the timeout of polls that must succeed.
	patience = time.Minute
)

func TestMain(m *testing.M) { os.Exit(leaks.Run(m, 8)) }

func keyOf(public, private string) config.KeyPair {
	return config.KeyPair{Public: config.NewSecret(public), Private: config.NewSecret(private)}
}

// rig is a client and its observed exchanges.
type rig struct {
	*opsmanager.Client
	key       config.KeyPair // of poll
	mu        sync.Mutex
	exchanges []opsmanager.Exchange
}

// newRig returns a client that is closed with the test. change, if not nil, may modify its
// options.
func newRig(t testing.TB, rawURL string, change func(*opsmanager.Options)) *rig {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{key: keyOf(testPublic, testPrivate)}
	o := opsmanager.Options{
		URL: u, Timeout: patience, MaxConnections: 16, UserAgent: "test",
		Sessions: opsmanager.NewSessions(),
		Observe: func(e opsmanager.Exchange) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.exchanges = append(r.exchanges, e)
		},
	}
	if change != nil {
		change(&o)
	}
	r.Client = opsmanager.NewClient(o)
	r.SetTLS(nil)
	t.Cleanup(r.Close)
	return r
}

func (r *rig) poll(t testing.TB) (opsmanager.Status, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return r.read(ctx, r.key, testOrg)
}

// read is MigrationLinkStatus without the possibility of retraction.
func (r *rig) read(ctx context.Context, key config.KeyPair, org string) (opsmanager.Status, error) {
	reading, err := r.MigrationLinkStatus(ctx, key, org)
	return reading.Status, err
}

// synced polls and fails the test unless the status is SYNCED.
func (r *rig) synced(t testing.TB) {
	t.Helper()
	if status, err := r.poll(t); status != opsmanager.Synced || err != nil {
		t.Errorf("got %q, %v, want SYNCED", status, err)
	}
}

// many runs n concurrent polls and fails the test for each that is not SYNCED.
func (r *rig) many(t testing.TB, n int) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { r.synced(t) })
	}
	all.Wait()
}

// codes returns the status codes of the exchanges since its last call.
func (r *rig) codes() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	var codes []int
	for _, e := range r.exchanges {
		codes = append(codes, e.StatusCode)
	}
	r.exchanges = nil
	return codes
}

// failure is the expected error of a poll.
type failure struct {
	reason    opsmanager.Reason
	code      int
	errorCode string
	text      string // with ADDRESS for each loopback address with a port
}

var loopback = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

func (want failure) check(t testing.TB, status opsmanager.Status, err error) {
	t.Helper()
	if difference := want.difference(status, err); difference != nil {
		t.Error(difference)
	}
}

// difference returns an error unless a poll failed as expected.
func (want failure) difference(status opsmanager.Status, err error) error {
	e, ok := errors.AsType[*opsmanager.Error](err)
	if !ok {
		return fmt.Errorf("got %q, %w, want %+v", status, err, want)
	}
	got := failure{e.Reason, e.StatusCode, e.ErrorCode, loopback.ReplaceAllString(e.Error(), "ADDRESS")}
	if got != want || status != "" || opsmanager.ReasonOf(err) != want.reason {
		return fmt.Errorf("got  %+v (status %q)\nwant %+v", got, status, want)
	}
	return nil
}

// simulate starts a simulated Ops Manager with the test key.
func simulate(t testing.TB, o simulator.Options, org simulator.Org) *simulator.Server {
	t.Helper()
	s := simulated.Server(t, o)
	s.SetKey(testPublic, testPrivate)
	s.SetOrg(testOrg, org)
	return s
}

// serve starts a server.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// still runs a client in a synctest bubble, where time stands still while it has a
// connection; servers are started outside. It is for tests that count connections:
// net/http drops a connection if its goroutine does not run within 50 ms of a request
// being written.
func still(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// listen starts a server that calls handle for each connection, numbered from 1, and then
// closes it. The test waits for all handlers.
func listen(t testing.TB, handle func(c net.Conn, n int)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var handlers sync.WaitGroup
	handlers.Go(func() {
		for n := 1; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			handlers.Go(func() {
				defer c.Close()
				handle(c, n)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		handlers.Wait()
	})
	return l.Addr().String()
}

const (
	challenge       = `Digest realm="MMS Public API", nonce="NONCE_ABCDEF", qop="auth"`
	challengeAnswer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: " + challenge + "\r\n\r\n"
)

// challenging calls handler for requests with any credentials and challenges all others.
func challenging(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", challenge)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler(w, r)
	}
}

// request reads the next request with credentials and challenges those without.
func request(c net.Conn, in *bufio.Reader) (*http.Request, error) {
	for {
		r, err := http.ReadRequest(in)
		if err != nil || r.Header.Get("Authorization") != "" {
			return r, err
		}
		if _, err := io.WriteString(c, challengeAnswer); err != nil {
			return nil, err
		}
	}
}

// say starts a server that challenges each request without credentials, responds to one
// with credentials with text, and closes the connection.
func say(t testing.TB, text string) string {
	return "http://" + listen(t, func(c net.Conn, _ int) {
		if _, err := request(c, bufio.NewReader(c)); err == nil {
			_, _ = c.Write([]byte(text))
		}
	})
}

// drain reads until the peer closes the connection.
func drain(c net.Conn) {
	buffer := make([]byte, 4096)
	for {
		if _, err := c.Read(buffer); err != nil {
			return
		}
	}
}

// reset makes closing c send a TCP RST.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
