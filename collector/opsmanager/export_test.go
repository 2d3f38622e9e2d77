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

// MaxBody is how many bytes a body may have.
const MaxBody = maxBody

// What fuzz tests and benchmarks call without a server.
var (
	ParseVersion = parseVersion
	Cached       = cached
)

// ParseStatus returns the status in a body, "" for none.
func ParseStatus(body []byte) Status {
	status, _ := parseStatus(body)
	return status
}

// StatusOf returns the status that an answer to a request with credentials tells.
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

// Taints tells whether it taints a connection if bytes come in pieces of these
// sizes when it has been idle for some time; 0 stands for another request.
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
