package opsmanager

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"opsmanager_exporter/config"
)

// MaxBody is the maximum size of a body in bytes.
const MaxBody = maxBody

// Functions that fuzz tests and benchmarks call without a server.
var (
	ParseVersion = parseVersion
	Cached       = cached
	// NewSessionsAt returns empty state that uses a clock.
	NewSessionsAt = newSessions
)

// ParseStatus returns the status in a body, or "" for none.
func ParseStatus(body []byte) Status {
	status, _ := parseStatus(body)
	return status
}

// StatusOf returns the status in a response to a request with credentials.
func StatusOf(code int, header http.Header, body []byte, key config.KeyPair) (Status, error) {
	target := &url.URL{Scheme: "http", Host: "localhost", Path: "/"}
	auth := &digestAuthentication{session: NewSessions().digest.Of("http://localhost", key), target: target}
	if err := auth.prepare(context.Background(), nil); err != nil {
		return "", err
	}
	auth.refused(&answer{header: http.Header{"Www-Authenticate": {`Digest realm="a", nonce="b", qop="auth"`}}})
	credentials, err := auth.authorize(&connection{})
	if err != nil {
		return "", err
	}
	a := &answer{code: code, header: header, body: body, limit: maxBody, credentials: credentials, auth: auth, refusal: refusal{reason: ReasonUnauthorized}}
	if len(body) > maxBody {
		a.body, a.tooLarge = body[:maxBody], true
	}
	if err := (&poll{auth: auth}).read(context.Background(), a); err != nil {
		return "", err
	}
	return a.status()
}

// Taints reports whether data that arrives in chunks of these sizes taints a connection
// after this idle time. A size of 0 is another request.
func Taints(idle time.Duration, encrypted bool, sizes ...int) bool {
	here, there := net.Pipe()
	defer there.Close()
	c := &connection{Conn: here, transport: &transport{}}
	defer c.end()
	for _, n := range append([]int{0}, sizes...) {
		if n > 0 {
			c.heard(append([]byte("HTTP/1.1 200 OK\r\n"), make([]byte, n)...)[:n])
			continue
		}
		c.take(encrypted)
		c.idle()
		since := time.Now().Add(-idle)
		c.idleSince.Store(&since)
	}
	return c.tainted.Load()
}
