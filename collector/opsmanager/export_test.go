package opsmanager

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
	"opsmanager_exporter/config"
)

// MaxBody is the maximum size of a body in bytes.
const MaxBody = maxBody

// Functions that fuzz tests and benchmarks call without a server.
var (
	ParseVersion = parseVersion
	Cached       = cached
)

// ParseStatus returns the status in a body, or "" for none.
func ParseStatus(body []byte) Status {
	status, _ := parseStatus(body)
	return status
}

// StatusOf returns the status in a response to a request with credentials.
func StatusOf(code int, header http.Header, body []byte, key config.KeyPair) (Status, error) {
	target := &url.URL{Scheme: "http", Host: "localhost", Path: "/"}
	session := NewSessions().Of("http://localhost", key)
	attempts := session.Begin(context.Background(), 0)
	attempts.Refused(target, http.Header{"Www-Authenticate": {`Digest realm="a", nonce="b", qop="auth"`}}, false)
	credentials, err := attempts.Authorize(&digest.Route{}, http.MethodGet, target)
	if err != nil {
		return "", err
	}
	a := &answer{code: code, header: header, body: body, credentials: credentials}
	if len(body) > maxBody {
		a.body, a.tooLarge = body[:maxBody], true
	}
	return (&poll{session: session}).read(context.Background(), a)
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
