// Package realdigest starts real servers with digest authentication for tests: Apache
// httpd with mod_auth_digest, and Eclipse Jetty, on which Ops Manager is built. Each runs
// in front of a handler of the test, so that the responses come from the test but the
// authentication from an independent implementation.
package realdigest

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// Realm is the realm of the challenges, that of Ops Manager.
const Realm = "MMS Public API"

// Options configures the server.
type Options struct {
	// Backend handles authenticated requests. It is served on a loopback listener that
	// is closed with the test. It gets each request once and as sent by the client,
	// including Authorization, but without a body. It must return when the request's
	// context ends, which is when the test ends, not when the client disconnects.
	//
	// If it aborts before it responds, the client gets a 502, except that Apache closes
	// the connection if it has served a request before.
	Backend http.Handler
	// Keys maps public keys to private keys.
	Keys map[string]string
	// NonceLifetime is how long the server accepts a nonce. 0 means 60 s. Apache rounds
	// it up to seconds.
	NonceLifetime time.Duration
	// OneTimeNonces makes the server accept each nonce only once. Apache, where this is
	// a lifetime of 0, then ignores NonceLifetime.
	OneTimeNonces bool
	// TLS enables HTTPS, with a certificate for 127.0.0.1 and localhost from a new
	// private CA.
	TLS bool
}

// Server is a running server. It stops with the test that started it.
type Server struct {
	// URL is the server's root URL without a trailing slash. Everything below it
	// requires digest authentication.
	URL string
	// CAFile is the file with the CA's certificate in PEM format, "" without TLS.
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

// tempDir is tb.TempDir for a server that runs as another user: Apache drops root
// privileges, and the parent of tb.TempDir is not accessible to others.
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

// answers returns nil if a server at url sends any response. It keeps no connection.
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
