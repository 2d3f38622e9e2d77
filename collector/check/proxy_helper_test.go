package check

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// startProxy starts a CONNECT proxy that requires credentials, or responds to every
// request with code unless it is 0, and returns its host and port.
func startProxy(t testing.TB, code int) string {
	t.Helper()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(proxyUser+":"+proxyPassword))
	var tunnels sync.WaitGroup
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tunnels.Add(1) // the server does not track hijacked connections
		defer tunnels.Done()
		switch {
		case code != 0:
			w.WriteHeader(code)
			return
		case r.Header.Get("Proxy-Authorization") != want:
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		server, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			server.Close()
			return
		}
		io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		tunnel := func(to, from net.Conn) {
			io.Copy(to, from)
			to.Close()
		}
		var back sync.WaitGroup
		back.Go(func() { tunnel(client, server) })
		tunnel(server, client)
		back.Wait()
	}))
	t.Cleanup(func() {
		s.Close()
		tunnels.Wait()
	})
	return strings.TrimPrefix(s.URL, "http://")
}

// listen starts a server that sends text on each connection once it has received
// something, and returns its host and port.
func listen(t testing.TB, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 4096))
			io.WriteString(c, text)
			c.Close()
		}
	})
	t.Cleanup(func() {
		l.Close()
		accepting.Wait()
	})
	return l.Addr().String()
}
