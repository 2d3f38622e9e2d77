// Package realdigest starts real servers with digest authentication for
// tests: Apache httpd with mod_auth_digest, and Eclipse Jetty, on which Ops
// Manager is built. Each stands in front of a handler of the test, so that the
// answers come from the test and the authentication from a server that its own
// authors wrote.
package realdigest

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// Realm is the realm that the servers' challenges name, Ops Manager's own.
const Realm = "MMS Public API"

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

// answers returns nil if a server at url gives any answer. It leaves no
// connection behind.
func answers(url string, id *identity) error {
	transport := &http.Transport{DisableKeepAlives: true}
	if id != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: id.pool}
	}
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func serverURL(port string, id *identity) string {
	if id != nil {
		return "https://127.0.0.1:" + port
	}
	return "http://127.0.0.1:" + port
}
