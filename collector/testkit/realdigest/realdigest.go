// Package realdigest starts real servers with digest authentication for
// tests: Apache httpd with mod_auth_digest, and Eclipse Jetty, on which Ops
// Manager is built. Each stands in front of a handler of the test, so that the
// answers come from the test and the authentication from a server that its own
// authors wrote.
package realdigest

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Realm is the realm that the servers' challenges name, Ops Manager's own.
const Realm = "MMS Public API"

const (
	// startTimeout is far above what a start takes (Apache 0.1 s, Jetty 2 s),
	// for machines that run many tests at once.
	startTimeout = time.Minute
	// stopTimeout is more than the 10 s in which Apache kills its children.
	stopTimeout = 15 * time.Second
)

// Options says how the server challenges and what stands behind it.
type Options struct {
	// Backend answers the authenticated requests. It is served on a loopback
	// listener that is closed with the test, and sees each request once and as
	// the client sent it, the Authorization field included, but without a
	// body. It must return when the request's context ends, which is when the
	// test ends, not yet when the client goes away.
	//
	// If it breaks off before it answers, the client gets a 502; Apache instead
	// closes a connection that has served a request before.
	Backend http.Handler
	// Keys holds the private key of each public key.
	Keys map[string]string
	// NonceLifetime is how long the server accepts a nonce, 60 s where it is 0.
	// Apache counts in seconds: a fraction is rounded up.
	NonceLifetime time.Duration
	// OneTimeNonces makes the server accept each nonce once. Apache, which
	// expresses it as a lifetime of 0, then ignores NonceLifetime.
	OneTimeNonces bool
	// TLS makes the server speak https, with a certificate for 127.0.0.1 and
	// localhost from a private CA made for this server.
	TLS bool
}

// Server is a running server. It stops with the test that started it.
type Server struct {
	// URL is the server's root, without a slash at the end. Everything below
	// it needs digest authentication.
	URL string
	// CAFile holds the CA's certificate as PEM, "" without TLS.
	CAFile string
}

func (o Options) nonceLifetime() time.Duration {
	if o.NonceLifetime == 0 {
		return time.Minute
	}
	return o.NonceLifetime
}

func serveBackend(tb testing.TB, o Options) *httptest.Server {
	backend := httptest.NewServer(o.Backend)
	tb.Cleanup(backend.Close)
	return backend
}

// missing ends the test because a program or file of a Debian package is not
// there. In CI that is a failure, or nobody would notice that the test no
// longer runs.
func missing(tb testing.TB, what, aptPackage string) {
	tb.Helper()
	if os.Getenv("CI") == "true" {
		tb.Fatalf("realdigest: %s is missing: apt-get install %s", what, aptPackage)
	}
	tb.Skipf("realdigest: %s is missing: apt-get install %s", what, aptPackage)
}

// tempDir is tb.TempDir for a server that runs as another user: Apache started
// by root gives up root, and the parent of tb.TempDir is closed to others.
func tempDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "realdigest-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	return dir
}

func writeFile(tb testing.TB, path string, data []byte) {
	tb.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// start runs cmd until the test ends, with its output in dir/log. The channel
// is closed when the process has ended.
func start(tb testing.TB, dir string, cmd *exec.Cmd) <-chan struct{} {
	tb.Helper()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		// The status says nothing: the process is stopped by a signal, and
		// one that stopped by itself has said why in its log.
		_ = cmd.Wait()
		close(exited)
	}()
	tb.Cleanup(func() { stop(tb, cmd.Process, exited) })
	return exited
}

// stop asks first, because Apache takes its children with it only when asked.
func stop(tb testing.TB, process *os.Process, exited <-chan struct{}) {
	if err := process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Error(err)
	}
	select {
	case <-exited:
		return
	case <-time.After(stopTimeout):
	}
	tb.Errorf("realdigest: process %d did not stop within %v, killing it", process.Pid, stopTimeout)
	_ = process.Kill()
	<-exited
}

// logOnFailure shows dir/log where the test failed.
func logOnFailure(tb testing.TB, dir string) {
	tb.Cleanup(func() {
		if !tb.Failed() {
			return
		}
		if log, err := os.ReadFile(filepath.Join(dir, "log")); err == nil {
			tb.Logf("realdigest: the server's log:\n%s", log)
		}
	})
}

// await waits until ready holds. It returns false if the process ended before.
func await(tb testing.TB, exited <-chan struct{}, ready func() bool) bool {
	tb.Helper()
	deadline := time.After(startTimeout)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !ready() {
		select {
		case <-exited:
			return false
		case <-deadline:
			tb.Fatalf("realdigest: the server did not answer within %v", startTimeout)
		case <-poll.C:
		}
	}
	return true
}

// answers reports whether a server at url gives any answer. It leaves no
// connection behind.
func answers(url string, id *identity) bool {
	transport := &http.Transport{DisableKeepAlives: true}
	if id != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: id.pool}
	}
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return true
}

func serverURL(port string, id *identity) string {
	if id != nil {
		return "https://127.0.0.1:" + port
	}
	return "http://127.0.0.1:" + port
}
