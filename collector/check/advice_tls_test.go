package check

import (
	"crypto/tls"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
)

func TestAdviceOnTLS(t *testing.T) {
	ca, other := authority.New(t, authority.Named("Example CA")), authority.New(t, authority.Named("Other CA"))
	evil := authority.New(t, authority.Named("Evil\x1b[2J\r\nCA \u202e"+strings.Repeat("x", 300)))
	echo := authority.New(t, authority.Named("CA "+strings.ToUpper(publicKey)))
	trust := trusting(t, ca)
	between := ca.Intermediate(t, authority.Named("Between"))
	demanding := func(version uint16) *tls.Config {
		c := ca.Demand(ca.Server(t))
		c.MinVersion, c.MaxVersion = version, version
		return c
	}

	const (
		reissue  = `Have the certificate reissued with "127.0.0.1" as a subject alternative name.`
		rename   = `Use one of its names in url of ops manager "om", or, if it is the right server, set server_name in tls_config of ops manager "om" to one of them.`
		between2 = ` If only the CA above it is known here, let the server send the certificate between the two.`
		mayBe    = `It may demand a client certificate (cert_file and key_file in tls_config of ops manager "om"), or share no TLS version or cipher with this host (min_version, max_version): check its log.`
		versions = `Let the server speak TLS 1.2 or newer, or correct min_version and max_version in tls_config of ops manager "om".`
	)
	for name, tt := range map[string]struct {
		server       *tls.Config
		settings     string
		problem, fix string
	}{
		"not trusted by the system": {
			ca.Server(t), "timeout: 5s",
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Example CA" is not among the CAs`,
			`Add the certificate of that CA, in PEM format, to tls_config of ops manager "om" as ca_file.` + between2,
		},
		"not trusted by ca_file": {
			other.Server(t), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Other CA" is not among the CAs`,
			`Add the certificate of that CA, in PEM format, to the CA file of tls_config of ops manager "om".` + between2,
		},
		"intermediate not sent": {
			func() *tls.Config {
				c := between.Server(t)
				c.Certificates[0].Certificate = c.Certificates[0].Certificate[:1]
				return c
			}(), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Between" is not among the CAs`,
			`Add the certificate of that CA, in PEM format, to the CA file of tls_config of ops manager "om".` + between2,
		},
		"CA sent along": {
			func() *tls.Config {
				c := other.Server(t)
				c.Certificates[0].Certificate = append(c.Certificates[0].Certificate, other.Certificate.Raw)
				return c
			}(), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Other CA" is not among the CAs`,
			`Add the certificate of that CA, in PEM format, to the CA file of tls_config of ops manager "om".` + between2,
		},
		"self-signed": {
			&tls.Config{Certificates: []tls.Certificate{authority.SelfSigned(t, authority.Named("server"))}}, trust,
			`the certificate of 127.0.0.1:PORT is not trusted: it is self-signed, by "CN=server"`,
			`If it is the right server, add this certificate, in PEM format, to the CA file of tls_config of ops manager "om".`,
		},
		"issuer with control characters": {
			evil.Server(t), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Evil[2JCA ` + strings.Repeat("x", 200-len("CN=Evil[2JCA ")) + `..." is not among the CAs`,
			`Add the certificate of that CA, in PEM format, to the CA file of tls_config of ops manager "om".` + between2,
		},
		"issuer that repeats the key": {
			echo.Server(t), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer (not shown because it repeats the API key) is not among the CAs`,
			`Add the certificate of that CA, in PEM format, to the CA file of tls_config of ops manager "om".` + between2,
		},
		"wrong name": {
			ca.Server(t, authority.DNS("om.example.net", "om\x1b[31m.example.org")), trust,
			`the certificate of 127.0.0.1:PORT is not for "127.0.0.1", but for "om.example.net", "om[31m.example.org"`, rename,
		},
		"wrong address": {
			ca.Server(t, authority.Elsewhere), trust,
			`the certificate of 127.0.0.1:PORT is not for "127.0.0.1", but for 192.0.2.1`, rename,
		},
		"many names": {
			ca.Server(t, authority.DNS("a.example", "b.example", "c.example", "d.example", "e.example", "f.example", "g.example")), trust,
			`the certificate of 127.0.0.1:PORT is not for "127.0.0.1", but for "a.example", "b.example", "c.example", "d.example", "e.example" and 2 more`, rename,
		},
		"no name": {
			ca.Server(t, authority.DNS()), trust,
			`the certificate of 127.0.0.1:PORT is not for "127.0.0.1": it has no names (a Common Name does not count)`, reissue,
		},
		"expired": {
			ca.Server(t, authority.Expired), trust,
			`a certificate of 127.0.0.1:PORT expired at TIME`,
			`Renew the server's certificate, or correct this host's clock if it is ahead (now TIME).`,
		},
		"not yet valid": {
			ca.Server(t, authority.NotYetValid), trust,
			`the certificate of 127.0.0.1:PORT is not valid before TIME`,
			`Correct this host's clock if it is behind (now TIME); otherwise have the certificate replaced.`,
		},
		"client certificate demanded": {
			demanding(tls.VersionTLS13), trust,
			`127.0.0.1:PORT demands a client certificate`, `Set cert_file and key_file in tls_config of ops manager "om".`,
		},
		"client certificate demanded, TLS 1.2": {
			demanding(tls.VersionTLS12), trust,
			`127.0.0.1:PORT ended the TLS handshake: handshake failure`, mayBe,
		},
		"client certificate of another CA": {
			ca.Demand(ca.Server(t)), trustingAs(t, ca, other),
			`127.0.0.1:PORT did not accept the client certificate: unknown certificate authority`,
			`Check that the certificate in cert_file of tls_config of ops manager "om" is valid, meant for clients, and signed by a CA that the server trusts.`,
		},
		"old version": {
			func() *tls.Config {
				c := ca.Server(t)
				c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
				return c
			}(), trust,
			`127.0.0.1:PORT and this host share no TLS version`, versions,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, simulator.Options{TLS: tt.server}, nil)
			advised(t, told{"tls", tt.problem, tt.fix}, manager("om", s.URL(), 1, tt.settings))
		})
	}
	for name, tt := range map[string]struct{ answer, problem, fix string }{
		"plain HTTP": {
			"HTTP/1.1 400 Bad Request\r\n\r\n", "127.0.0.1:PORT speaks plain HTTP, not TLS",
			`Use the port for https in url of ops manager "om". If there is none, http:// works, but then the status can be read and forged on the way.`,
		},
		"no TLS":        {"SSH-2.0-OpenSSH_9.9\r\n", "127.0.0.1:PORT does not speak TLS", `Correct the port in url of ops manager "om".`},
		"unknown name":  {"\x15\x03\x03\x00\x02\x02\x70", "127.0.0.1:PORT does not know the name that it was asked for", `Correct the host in url of ops manager "om", or server_name in tls_config of ops manager "om".`},
		"HTTP/2 alone":  {"\x15\x03\x03\x00\x02\x02\x78", "127.0.0.1:PORT does not offer HTTP/1.1", "Let the load balancer or gateway in front of Ops Manager offer HTTP/1.1 (ALPN http/1.1) beside HTTP/2."},
		"unknown alert": {"\x15\x03\x03\x00\x02\x02\xff", "127.0.0.1:PORT ended the TLS handshake: alert(255)", mayBe},
	} {
		t.Run(name, func(t *testing.T) {
			advised(t, told{"tls", tt.problem, tt.fix}, manager("om", "https://"+listen(t, tt.answer), 1))
		})
	}
	t.Run("refused by HTTP 400", func(t *testing.T) {
		s := simulate(t, simulator.Options{TLS: ca.Server(t)}, nil)
		s.SetOrg(orgID(0), simulator.Org{BeforeAuth: simulator.HTML(400)})
		advised(t, told{
			"bad_response", "HTTP 400",
			`Check what responds at url: a login page, a proxy, a cache or another server answered instead of the Ops Manager API. Some servers demand a client certificate in this way: cert_file and key_file in tls_config of ops manager "om".` + stripped,
		}, manager("om", s.URL(), 1, trust))
	})
}
