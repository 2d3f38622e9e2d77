package faults_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
)

const (
	syncedBody = `{"status":"SYNCED"}`
	ok         = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	whole      = ok + "Content-Length: 19\r\n\r\n" + syncedBody
	chunked    = ok + "Transfer-Encoding: chunked\r\n\r\n"
)

// closed, resets and stays are endings of a connection.
func closed(net.Conn) {}

func resets(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

func stays(c net.Conn) { _, _ = io.Copy(io.Discard, c) } // until the client disconnects

// says returns an ending that repeats a text, each time after a pause, until the client
// disconnects.
func says(text string, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		for {
			time.Sleep(pause)
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
		}
	}
}

// raw writes text to the connection unchanged, even if it is not valid HTTP.
func raw(text string, end func(net.Conn)) simulator.Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer conn.Close()
		defer context.AfterFunc(r.Context(), func() { conn.Close() })()
		_, _ = io.WriteString(conn, text)
		end(conn)
	}
}

// slowly writes a text byte by byte.
func slowly(text string, pause time.Duration) simulator.Answer {
	return raw("", func(c net.Conn) {
		for i := range len(text) {
			time.Sleep(pause)
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
		}
	})
}

// listener starts a server that handles and closes each connection.
func listener(s scene, handle func(net.Conn)) string {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	accept(s.T, l, handle)
	return l.Addr().String()
}

func accept(t *testing.T, l net.Listener, handle func(net.Conn)) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				defer context.AfterFunc(ctx, func() { c.Close() })()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		all.Wait()
	})
}

// greets is a server of another protocol, which speaks first.
func greets(text string, end func(net.Conn)) func(scene) target {
	return func(s scene) target {
		return target{url: "http://" + listener(s, func(c net.Conn) {
			_, _ = io.WriteString(c, text)
			end(c)
		})}
	}
}

// hears is a server of another protocol, which responds to the first bytes it reads.
func hears(text string) func(scene) target {
	return func(s scene) target {
		return target{url: "http://" + listener(s, func(c net.Conn) {
			if _, err := c.Read(make([]byte, 4096)); err == nil {
				_, _ = io.WriteString(c, text)
			}
		})}
	}
}

// freePort returns an unused address that no other test uses.
func freePort(s scene, host string) string {
	s.Helper()
	if host == "127.0.0.1" {
		host = "127.0.0.77" // other tests use ports of 127.0.0.1
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		s.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	return address
}

// comesBack is a target that does not listen until it is mended.
func comesBack(s scene) target {
	address := freePort(s, "127.0.0.1")
	return target{url: "http://" + address, mend: func() { s.simulate(simulator.Options{Address: address}) }}
}

// restarts is a target that is restarted between two scrapes: all connections and nonces
// are lost.
func restarts(s scene) target {
	server := s.simulate(simulator.Options{})
	return target{url: server.URL(), mend: server.Restart}
}

// ipv6Faults returns the faults, which need IPv6, or none if it is not available.
func ipv6Faults(faults ...fault) []fault {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return nil
	}
	l.Close()
	return faults
}

func networkFaults() []fault {
	return append(ipv6Faults(
		fault{name: "no listener, IPv6", want: "connect", target: func(s scene) target {
			return target{url: "http://" + freePort(s, "::1")}
		}},
		fault{name: "only IPv6", want: "1", target: func(s scene) target {
			return target{url: s.simulate(simulator.Options{Address: "[::1]:0"}).URL()}
		}},
	), []fault{
		{name: "no listener", want: "connect", target: comesBack},
		{name: "no route", want: "connect", target: at("http://255.255.255.255:8080")},
		{name: "dropped packets", want: "timeout", target: blackhole},
		{name: "restart between scrapes", want: "1", target: restarts},

		{name: "closed at once", want: "connect", target: greets("", closed)},
		{name: "reset at once", want: "connect", target: greets("", resets)},
		{name: "half open", want: "timeout", target: greets("", stays)},
		{name: "accepted and forgotten", want: "timeout", target: greets("", func(c net.Conn) {
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			stays(c)
		})},

		{name: "closed before headers", want: "connect", answer: raw("", closed)},
		{name: "reset before headers", want: "connect", answer: raw("", resets)},
		{name: "silence before headers", want: "timeout", answer: raw("", stays)},
		{name: "closed in the status line", want: "connect", answer: raw("HTTP/1.1 20", closed)},
		{name: "reset in the status line", want: "connect", answer: raw("HTTP/1.1 20", resets)},
		{name: "closed in headers", want: "connect", answer: raw(ok, closed)},
		{name: "reset in headers", want: "connect", answer: raw(ok, resets)},
		{name: "silence in headers", want: "timeout", answer: raw(ok, stays)},
		{name: "closed after headers", want: "connect", answer: raw(ok+"Content-Length: 19\r\n\r\n", closed)},
		{name: "reset after headers", want: "connect", answer: raw(ok+"Content-Length: 19\r\n\r\n", resets)},
		{name: "silence after headers", want: "timeout", answer: raw(ok+"Content-Length: 19\r\n\r\n", stays)},
		{name: "closed in the body", want: "connect", answer: raw(ok+"Content-Length: 19\r\n\r\n"+syncedBody[:18], closed)},
		{name: "reset in the body", want: "connect", answer: raw(ok+"Content-Length: 19\r\n\r\n"+syncedBody[:18], resets)},
		{name: "silence in the body", want: "timeout", answer: raw(ok+"Content-Length: 19\r\n\r\n"+syncedBody[:18], stays)},
		{name: "closed in a chunk", want: "connect", answer: raw(chunked+"13\r\n"+syncedBody[:9], closed)},
		{name: "closed before the last chunk", want: "connect", answer: raw(chunked+"13\r\n"+syncedBody+"\r\n", closed)},
		{name: "silence before the last chunk", want: "timeout", answer: raw(chunked+"13\r\n"+syncedBody+"\r\n", stays)},
		{name: "headers byte by byte", want: "timeout", answer: slowly(whole, 200*time.Millisecond)},
		{name: "body byte by byte", want: "timeout", answer: simulator.SlowBody(time.Second)},
		{name: "slow, in time", want: "1", answer: slowly(whole, time.Millisecond)},
		{name: "reset after the answer", want: "1", answer: raw(whole, func(c net.Conn) {
			time.Sleep(50 * time.Millisecond) // otherwise the reset would discard the response
			resets(c)
		})},
		// A separate Ops Manager, because it retracts the readings of others on the same
		// connection. Whether it is detected before the scrape ends is random.
		{name: "more after the answer", want: "1", or: "bad_response", target: func(s scene) target {
			server := s.simulate(simulator.Options{})
			for _, org := range s.orgs {
				server.SetOrg(org, simulator.Org{Answer: raw(whole+"HTTP/1.1 500 Later\r\n\r\n", closed)})
			}
			return target{url: server.URL()}
		}},

		{name: "SSH", want: "bad_response", target: greets("SSH-2.0-OpenSSH_9.9\r\n", stays)},
		{name: "SMTP", want: "bad_response", target: greets("220 mail.example.net ESMTP\r\n", stays)},
		{name: "MySQL", want: "bad_response", target: greets("\x4a\x00\x00\x00\x0a8.0.36\x00", closed)},
		{name: "Redis", want: "bad_response", target: hears("-ERR unknown command 'GET'\r\n")},
		{name: "MongoDB", want: "bad_response", target: hears("It looks like you are trying to access MongoDB over HTTP on the native driver port.\r\n\r\n")},
		{name: "zero bytes", want: "bad_response", target: hears(strings.Repeat("\x00", 200) + "\r\n\r\n")},
		{name: "TLS alert", want: "bad_response", target: hears("\x15\x03\x01\x00\x02\x02\x46\r\n\r\n")},
		{name: "HTTP/2 without TLS", want: "bad_response", target: hears("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\r\n\r\n")},
		{name: "HTTP/0.9", want: "bad_response", answer: raw(syncedBody+"\r\n\r\n", closed)},
		{name: "endless noise", want: "bad_response", target: greets("", says(strings.Repeat("noise", 1000), 0))},
	}...)
}
