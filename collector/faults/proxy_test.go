package faults_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"opsmanager_exporter/collector/opsmanager/simulator"
)

// connectProxy is a target with TLS behind a proxy. handle handles CONNECT on client, from
// which it reads through in; server is the address of the target.
func connectProxy(handle func(client net.Conn, in *bufio.Reader, server string)) func(scene) target {
	return func(s scene) target {
		t := secure(nil)(s)
		proxy := listener(s, func(client net.Conn) {
			in := bufio.NewReader(client)
			r, err := http.ReadRequest(in)
			if err == nil && r.Method == http.MethodConnect {
				handle(client, in, r.Host)
			}
		})
		t.settings += "\nproxy_url: http://" + proxy
		return t
	}
}

// answers makes a proxy respond to CONNECT with text.
func answers(text string, end func(net.Conn)) func(net.Conn, *bufio.Reader, string) {
	return func(client net.Conn, _ *bufio.Reader, _ string) {
		_, _ = io.WriteString(client, text)
		end(client)
	}
}

// tunnel forwards limit bytes from the server, and then closes.
func tunnel(limit int64) func(net.Conn, *bufio.Reader, string) {
	return func(client net.Conn, in *bufio.Reader, server string) {
		up, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer up.Close()
		_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _ = io.Copy(up, in)
			up.Close() // the client has disconnected
		})
		_, _ = io.CopyN(client, up, limit)
		client.Close()
		up.Close()
		wg.Wait()
	}
}

// plainProxy is a target without TLS behind a proxy that responds itself.
func plainProxy(text string, end func(net.Conn)) func(scene) target {
	return func(s scene) target {
		proxy := listener(s, func(client net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(client)); err == nil {
				_, _ = io.WriteString(client, text)
				end(client)
			}
		})
		return target{url: s.simulate(simulator.Options{}).URL(), settings: "proxy_url: http://" + proxy}
	}
}

// comingProxy is a proxy that does not run until it is mended.
func comingProxy(s scene) target {
	t := secure(nil)(s)
	address := freePort(s, "127.0.0.1")
	t.settings += "\nproxy_url: http://" + address
	t.mend = func() {
		l, err := net.Listen("tcp", address)
		if err != nil {
			s.Fatal(err)
		}
		accept(s.T, l, func(client net.Conn) {
			in := bufio.NewReader(client)
			if r, err := http.ReadRequest(in); err == nil {
				tunnel(1<<40)(client, in, r.Host)
			}
		})
	}
	return t
}

func proxyFaults() []fault {
	refuses := func(code int) func(scene) target {
		return connectProxy(answers(fmt.Sprintf("HTTP/1.1 %d No\r\nContent-Length: 19\r\n\r\n%s", code, syncedBody), closed))
	}
	says := func(code int) func(scene) target {
		return plainProxy(fmt.Sprintf("HTTP/1.1 %d No\r\nContent-Length: 19\r\n\r\n%s", code, syncedBody), closed)
	}
	return []fault{
		{name: "CONNECT works", want: "1", target: connectProxy(tunnel(1 << 40))},
		{name: "no listener", want: "connect", target: comingProxy},
		{name: "CONNECT refused with 403", want: "connect", target: refuses(403)},
		{name: "CONNECT refused with 407", want: "connect", target: refuses(407)},
		{name: "CONNECT refused with 502", want: "connect", target: refuses(502)},
		{name: "CONNECT refused with 504", want: "connect", target: refuses(504)},
		{name: "CONNECT answered with 204", want: "connect", target: refuses(204)},
		{name: "CONNECT redirected", want: "connect", target: refuses(302)},
		{name: "CONNECT answered with nonsense", want: "connect", target: connectProxy(answers("nonsense\r\n\r\n", closed))},
		{name: "CONNECT closed", want: "connect", target: connectProxy(answers("", closed))},
		{name: "CONNECT reset", want: "connect", target: connectProxy(answers("", resets))},
		{name: "CONNECT never answered", want: "timeout", target: connectProxy(answers("", stays))},
		{name: "tunnel to nowhere", want: "timeout", target: connectProxy(answers("HTTP/1.1 200 OK\r\n\r\n", stays))},
		{name: "tunnel cut at once", want: "connect", target: connectProxy(answers("HTTP/1.1 200 OK\r\n\r\n", closed))},
		{name: "tunnel dies in the handshake", want: "connect", target: connectProxy(tunnel(300))},
		{name: "tunnel to another protocol", want: "tls", target: connectProxy(answers("HTTP/1.1 200 OK\r\n\r\n", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n")
		}))},
		{name: "HTTP, 407 of the proxy", want: "bad_response", target: says(407)},
		{name: "HTTP, 403 of the proxy", want: "forbidden", target: says(403)},
		{name: "HTTP, 502 of the proxy", want: "server_error", target: says(502)},
		{name: "HTTP, proxy closes", want: "connect", target: plainProxy("", closed)},
		{name: "HTTP, proxy is silent", want: "timeout", target: plainProxy("", stays)},
		{name: "HTTP, HTML of the proxy", want: "bad_response", target: plainProxy("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Please log in</html>", closed)},
		{name: "TLS to the proxy, which has none", want: "tls", target: func(s scene) target {
			t := secure(nil)(s)
			t.settings += "\nproxy_url: https://" + strings.TrimPrefix(s.simulate(simulator.Options{}).URL(), "http://")
			return t
		}},
	}
}
