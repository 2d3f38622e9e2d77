package web_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
)

// A request gets a response even if its body never arrives, and its connection is
// closed; GET and HEAD requests with a body are rejected without taking a slot.
func TestBodies(t *testing.T) {
	t.Parallel()
	f := start(t, 1, web.Options{MaxRequests: 1, Page: http.NotFoundHandler()})
	const refusal = "GET and HEAD requests must not have a body: remove Content-Length and Transfer-Encoding\n"
	for _, tt := range []struct {
		name, request string
		status        int
		body          string
	}{
		{"metrics", "GET /metrics?collect[]=exporter HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 400, refusal},
		{"probe", "GET /probe?target=" + simulated.OrgID(0) + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 400, refusal},
		{"page", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 400, refusal},
		{"sd", "GET /sd HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 400, refusal},
		{"health", "GET /-/healthy HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 400, refusal},
		{"nothing", "GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 400, refusal},
		{"great", "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", 400, refusal},
		{"chunked", "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400, refusal},
		{"chunked, begun", "GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", 400, refusal},
		{"expecting", "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", 400, refusal},
		{"whole", "GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 400, refusal},
		{"HTTP/1.0", "GET /metrics HTTP/1.0\r\nContent-Length: 1\r\n\r\n", 400, refusal},
		{"HEAD", "HEAD /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 400, ""},
		{"wrong method", "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 405, "Method Not Allowed\n"},
		{"reload", "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", 403, "reloading through HTTP is disabled: start the exporter with --web.enable-lifecycle, or send it SIGHUP\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", f.host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(conn, tt.request); err != nil {
				t.Fatal(err)
			}
			method, _, _ := strings.Cut(tt.request, " ")
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, &http.Request{Method: method})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != tt.status || string(body) != tt.body || !resp.Close {
				t.Errorf("status %d, closing %t, %q, %v", resp.StatusCode, resp.Close, body, err)
			}
			if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 {
				t.Errorf("after the answer: %q, %v", rest, err)
			}
		})
	}
}

// Forty clients whose bodies never arrive do not block others.
func TestBodiesHoldNoSlot(t *testing.T) {
	t.Parallel()
	f := start(t, 1, web.Options{MaxRequests: 1})
	for range 40 {
		conn, err := net.Dial("tcp", f.host)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /metrics?collect[]=exporter HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := f.scrape(t, "/metrics").State(t, simulated.OrgID(0)); got != "1" {
			t.Errorf("got %s", got)
		}
	}
}
