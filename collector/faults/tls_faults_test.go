package faults_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/testfile"
)

// secure is a target with TLS and a trusted CA. Its configuration and certificate can be
// modified.
func secure(server func(*tls.Config), changes ...authority.Change) func(scene) target {
	return func(s scene) target {
		ca := authority.New(s)
		c := ca.Server(s, changes...)
		if server != nil {
			server(c)
		}
		settings, _ := trusting(s, ca)
		return target{url: s.simulate(simulator.Options{TLS: c}).URL(), settings: settings}
	}
}

func versions(lowest, highest uint16) func(*tls.Config) {
	return func(c *tls.Config) { c.MinVersion, c.MaxVersion = lowest, highest }
}

// tampered is a target with TLS behind a man in the middle that modifies what the server
// sends after a number of bytes.
func tampered(bytes int64, what func(client net.Conn, chunk []byte) bool) func(scene) target {
	return func(s scene) target {
		inner := secure(nil)(s)
		server := strings.TrimPrefix(inner.url, "https://")
		inner.url = "https://" + listener(s, func(client net.Conn) {
			up, err := net.Dial("tcp", server)
			if err != nil {
				return
			}
			defer up.Close()
			go func() { _, _ = io.Copy(up, client); up.Close() }()
			var sent int64
			buffer := make([]byte, 512)
			for {
				n, err := up.Read(buffer)
				if n > 0 {
					if sent += int64(n); sent > bytes && !what(client, buffer[:n]) {
						return
					}
					if _, err := client.Write(buffer[:n]); err != nil {
						return
					}
				}
				if err != nil {
					return
				}
			}
		})
		return inner
	}
}

func cut(net.Conn, []byte) bool { return false }

func stall(c net.Conn, _ []byte) bool {
	stays(c)
	return false
}

func flip(_ net.Conn, chunk []byte) bool {
	chunk[len(chunk)-1] ^= 1
	return true
}

// rotated is a target whose CA was replaced; mend also replaces the CA file.
func rotated(s scene) target {
	ca, old := authority.New(s), authority.New(s)
	settings, file := trusting(s, old)
	server := s.simulate(simulator.Options{TLS: ca.Server(s)})
	return target{url: server.URL(), settings: settings, mend: func() { testfile.Write(s, file, ca.PEM()) }}
}

// renewed is a target with an invalid certificate until it is mended.
func renewed(bad ...authority.Change) func(scene) target {
	return func(s scene) target {
		ca := authority.New(s)
		var current atomic.Pointer[tls.Certificate]
		first, second := ca.Issue(s, bad...), ca.Issue(s)
		current.Store(&first)
		server := s.simulate(simulator.Options{TLS: &tls.Config{
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil },
		}})
		settings, _ := trusting(s, ca)
		return target{url: server.URL(), settings: settings, mend: func() { current.Store(&second) }}
	}
}

// chained is a target with a certificate signed by an intermediate CA. sent means that it
// sends the CA's certificate too.
func chained(sent bool) func(scene) target {
	return func(s scene) target {
		root := authority.New(s)
		leaf := root.Intermediate(s).Issue(s)
		if !sent {
			leaf.Certificate = leaf.Certificate[:1]
		}
		settings, _ := trusting(s, root)
		return target{url: s.simulate(simulator.Options{TLS: &tls.Config{Certificates: []tls.Certificate{leaf}}}).URL(), settings: settings}
	}
}

// demanding is a target that requires a client certificate. The exporter has none, or one
// signed by issuer.
func demanding(version uint16, withCert bool, issuer func(s scene, wanted *authority.Authority) *authority.Authority) func(scene) target {
	return func(s scene) target {
		ca, clients := authority.New(s), authority.New(s)
		server := s.simulate(simulator.Options{TLS: &tls.Config{
			Certificates: []tls.Certificate{ca.Issue(s)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients.Pool(),
			MinVersion: version, MaxVersion: version,
		}})
		settings, file := trusting(s, ca)
		if withCert {
			cert, key := authority.Files(s, issuer(s, clients).Issue(s, authority.Client))
			settings = fmt.Sprintf("tls_config: {ca_file: %q, cert_file: %q, key_file: %q}", file, cert, key)
		}
		return target{url: server.URL(), settings: settings}
	}
}

// http2 is a target that speaks HTTP/2, whatever protocol was negotiated.
func http2(offered ...string) func(scene) target {
	return func(s scene) target {
		ca := authority.New(s)
		server := ca.Server(s)
		server.NextProtos = offered
		l, err := tls.Listen("tcp", "127.0.0.1:0", server)
		if err != nil {
			s.Fatal(err)
		}
		accept(s.T, l, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "\x00\x00\x00\x04\x00\x00\x00\x00\x00"+ // SETTINGS, GOAWAY with PROTOCOL_ERROR
				"\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")
		})
		settings, _ := trusting(s, ca)
		return target{url: "https://" + l.Addr().String(), settings: settings}
	}
}

func tlsFaults() []fault {
	wanted := func(_ scene, a *authority.Authority) *authority.Authority { return a }
	foreign := func(s scene, _ *authority.Authority) *authority.Authority { return authority.New(s) }
	plain := func(s scene) string { return s.simulate(simulator.Options{}).URL() }
	return []fault{
		{name: "no fault", want: "1", target: secure(nil)},
		{name: "only TLS 1.2", want: "1", target: secure(versions(tls.VersionTLS12, tls.VersionTLS12))},
		{name: "only TLS 1.3", want: "1", target: secure(versions(tls.VersionTLS13, tls.VersionTLS13))},
		{name: "only TLS 1.0", want: "tls", target: secure(versions(tls.VersionTLS10, tls.VersionTLS10))},
		{name: "only TLS 1.1", want: "tls", target: secure(versions(tls.VersionTLS11, tls.VersionTLS11))},
		{name: "no session tickets", want: "1", target: secure(func(c *tls.Config) { c.SessionTicketsDisabled = true })},
		{name: "HTTP/2 offered", want: "1", target: secure(func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} })},
		{name: "only HTTP/2", want: "tls", target: http2("h2")},
		{name: "only HTTP/2, without ALPN", want: "tls", target: http2()},
		{name: "old cipher suites", want: "tls", target: secure(func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}
		})},

		{name: "expired", want: "tls", target: renewed(authority.Expired)},
		{name: "not yet valid", want: "tls", target: renewed(authority.NotYetValid)},
		{name: "wrong address", want: "tls", target: renewed(authority.Elsewhere)},
		{name: "wrong name", want: "tls", target: renewed(authority.DNS("om.example.net"))},
		{name: "only a common name", want: "tls", target: renewed(authority.DNS(), authority.Named("127.0.0.1"))},
		{name: "no server certificate", want: "tls", target: renewed(authority.Client)},
		{name: "unknown CA", want: "tls", target: func(s scene) target {
			t := secure(nil)(s)
			t.settings, _ = trusting(s, authority.New(s))
			return t
		}},
		{name: "private CA without ca_file", want: "tls", target: func(s scene) target {
			t := secure(nil)(s)
			t.settings = ""
			return t
		}},
		{name: "private CA, not verified", want: "1", target: func(s scene) target {
			t := secure(nil)(s)
			t.settings = "tls_config: {insecure_skip_verify: true}"
			return t
		}},
		{name: "self-signed", want: "tls", target: func(s scene) target {
			return secure(func(c *tls.Config) {
				c.Certificates = []tls.Certificate{authority.SelfSigned(s)}
			})(s)
		}},
		{name: "CA rotated", want: "tls", target: rotated},
		{name: "intermediate sent", want: "1", target: chained(true)},
		{name: "intermediate missing", want: "tls", target: chained(false)},
		{name: "server_name of another host", want: "tls", target: func(s scene) target {
			ca := authority.New(s)
			_, file := trusting(s, ca)
			server := s.simulate(simulator.Options{TLS: ca.Server(s)})
			return target{url: server.URL(), settings: fmt.Sprintf("tls_config: {ca_file: %q, server_name: om.example.net}", file)}
		}},

		{name: "client certificate demanded, TLS 1.2", want: "tls", target: demanding(tls.VersionTLS12, false, nil)},
		{name: "client certificate demanded, TLS 1.3", want: "tls", target: demanding(tls.VersionTLS13, false, nil)},
		{name: "client certificate of another CA, TLS 1.2", want: "tls", target: demanding(tls.VersionTLS12, true, foreign)},
		{name: "client certificate of another CA, TLS 1.3", want: "tls", target: demanding(tls.VersionTLS13, true, foreign)},
		{name: "client certificate shown", want: "1", target: demanding(tls.VersionTLS13, true, wanted)},

		{name: "plain HTTP at the port", want: "tls", target: func(s scene) target {
			return target{url: strings.Replace(plain(s), "http://", "https://", 1)}
		}},
		{name: "TLS at the port of plain HTTP", want: "bad_response", target: func(s scene) target {
			t := secure(nil)(s)
			t.url, t.settings = strings.Replace(t.url, "https://", "http://", 1), ""
			return t
		}},
		{name: "SSH at the port", want: "tls", target: func(s scene) target {
			t := greets("SSH-2.0-OpenSSH_9.9\r\n", stays)(s)
			t.url = strings.Replace(t.url, "http://", "https://", 1)
			return t
		}},
		{name: "silence in the handshake", want: "timeout", target: func(s scene) target {
			return target{url: "https://" + listener(s, stays)}
		}},
		{name: "alert in the handshake", want: "tls", target: func(s scene) target {
			t := hears("\x15\x03\x03\x00\x02\x02\x50")(s)
			t.url = strings.Replace(t.url, "http://", "https://", 1)
			return t
		}},
		{name: "cut after the client's hello", want: "connect", target: tampered(0, cut)},
		{name: "cut in the certificate", want: "connect", target: tampered(600, cut)},
		{name: "silence in the certificate", want: "timeout", target: tampered(600, stall)},
		{name: "bit flipped in the handshake", want: "tls", target: tampered(600, flip)},
	}
}
