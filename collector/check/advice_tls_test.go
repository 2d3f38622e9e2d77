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
		rename   = `Use one of these names in url of Ops Manager "om" or, if this is the right server, set server_name in tls_config of Ops Manager "om" to one of them.`
		between2 = ` If that is an intermediate CA whose root is already trusted, configure the server to send the intermediate certificate instead.`
		mayBe    = `Check the log of the server: it may require a client certificate (cert_file and key_file in tls_config of Ops Manager "om"), or support none of the TLS versions (min_version, max_version) or cipher suites that the exporter offers.`
		versions = `Enable TLS 1.2 or later on the server, or correct min_version and max_version in tls_config of Ops Manager "om".`
	)
	for name, tt := range map[string]struct {
		server       *tls.Config
		settings     string
		problem, fix string
	}{
		"not trusted by the system": {
			ca.Server(t), "timeout: 5s",
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Example CA" is not a trusted CA`,
			`If this is the right server, set ca_file in tls_config of Ops Manager "om" to a PEM file with the certificate of that CA.` + between2,
		},
		"not trusted by ca_file": {
			other.Server(t), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Other CA" is not a trusted CA`,
			`If this is the right server, add the certificate of that CA, in PEM format, to the CA certificates in tls_config of Ops Manager "om".` + between2,
		},
		"intermediate not sent": {
			func() *tls.Config {
				c := between.Server(t)
				c.Certificates[0].Certificate = c.Certificates[0].Certificate[:1]
				return c
			}(), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Between" is not a trusted CA`,
			`If this is the right server, add the certificate of that CA, in PEM format, to the CA certificates in tls_config of Ops Manager "om".` + between2,
		},
		"CA sent along": {
			func() *tls.Config {
				c := other.Server(t)
				c.Certificates[0].Certificate = append(c.Certificates[0].Certificate, other.Certificate.Raw)
				return c
			}(), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Other CA" is not a trusted CA`,
			`If this is the right server, add the certificate of that CA, in PEM format, to the CA certificates in tls_config of Ops Manager "om".` + between2,
		},
		"self-signed": {
			&tls.Config{Certificates: []tls.Certificate{authority.SelfSigned(t, authority.Named("server"))}}, trust,
			`the certificate of 127.0.0.1:PORT is not trusted: it is self-signed by "CN=server"`,
			`If this is the right server, add this certificate, in PEM format, to the CA certificates in tls_config of Ops Manager "om".`,
		},
		"issuer with control characters": {
			evil.Server(t), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer "CN=Evil[2JCA ` + strings.Repeat("x", 200-len("CN=Evil[2JCA ")) + `..." is not a trusted CA`,
			`If this is the right server, add the certificate of that CA, in PEM format, to the CA certificates in tls_config of Ops Manager "om".` + between2,
		},
		"issuer that repeats the key": {
			echo.Server(t), trust,
			`the certificate of 127.0.0.1:PORT is not trusted: its issuer (hidden because it contains the API key) is not a trusted CA`,
			`If this is the right server, add the certificate of that CA, in PEM format, to the CA certificates in tls_config of Ops Manager "om".` + between2,
		},
		"wrong name": {
			ca.Server(t, authority.DNS("om.example.net", "om\x1b[31m.example.org")), trust,
			`the certificate of 127.0.0.1:PORT is not valid for "127.0.0.1", only for "om.example.net", "om[31m.example.org"`, rename,
		},
		"wrong address": {
			ca.Server(t, authority.Elsewhere), trust,
			`the certificate of 127.0.0.1:PORT is not valid for "127.0.0.1", only for 192.0.2.1`, rename,
		},
		"many names": {
			ca.Server(t, authority.DNS("a.example", "b.example", "c.example", "d.example", "e.example", "f.example", "g.example")), trust,
			`the certificate of 127.0.0.1:PORT is not valid for "127.0.0.1", only for "a.example", "b.example", "c.example", "d.example", "e.example" and 2 more`, rename,
		},
		"no name": {
			ca.Server(t, authority.DNS()), trust,
			`the certificate of 127.0.0.1:PORT is not valid for "127.0.0.1": it has no subject alternative names, and its common name is ignored`, reissue,
		},
		"expired": {
			ca.Server(t, authority.Expired), trust,
			`a certificate of 127.0.0.1:PORT expired at TIME; the clock of the exporter's host reads TIME`,
			`Renew the server's certificate or, if that clock is wrong, correct it.`,
		},
		"not yet valid": {
			ca.Server(t, authority.NotYetValid), trust,
			`the certificate of 127.0.0.1:PORT is not valid before TIME; the clock of the exporter's host reads TIME`,
			`If that clock is wrong, correct it; otherwise, replace the certificate.`,
		},
		"client certificate demanded": {
			demanding(tls.VersionTLS13), trust,
			`127.0.0.1:PORT requires a client certificate`, `Set cert_file and key_file in tls_config of Ops Manager "om".`,
		},
		"client certificate demanded, TLS 1.2": {
			demanding(tls.VersionTLS12), trust,
			`127.0.0.1:PORT aborted the TLS handshake: handshake failure`, mayBe,
		},
		"client certificate of another CA": {
			ca.Demand(ca.Server(t)), trustingAs(t, ca, other),
			`127.0.0.1:PORT rejected the client certificate: unknown certificate authority`,
			`Check that the certificate in cert_file of tls_config of Ops Manager "om" is valid, intended for client authentication, and signed by a CA that the server trusts.`,
		},
		"old version": {
			func() *tls.Config {
				c := ca.Server(t)
				c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
				return c
			}(), trust,
			`127.0.0.1:PORT supports none of the TLS versions that the exporter offers`, versions,
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
			`Use the HTTPS port in url of Ops Manager "om". If there is none, use http://, but then the status can be read and forged in transit.`,
		},
		"no TLS":        {"SSH-2.0-OpenSSH_9.9\r\n", "127.0.0.1:PORT does not speak TLS", `Correct the port in url of Ops Manager "om".`},
		"unknown name":  {"\x15\x03\x03\x00\x02\x02\x70", "127.0.0.1:PORT does not recognize the requested server name", `Correct the host name in url of Ops Manager "om", or server_name in tls_config of Ops Manager "om".`},
		"HTTP/2 alone":  {"\x15\x03\x03\x00\x02\x02\x78", "127.0.0.1:PORT does not offer HTTP/1.1", "Configure the load balancer or gateway in front of Ops Manager to offer HTTP/1.1 (ALPN http/1.1) in addition to HTTP/2."},
		"unknown alert": {"\x15\x03\x03\x00\x02\x02\xff", "127.0.0.1:PORT aborted the TLS handshake: alert(255)", mayBe},
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
			`Check what responds at url: a login page, a proxy, a cache or another server answered instead of the Ops Manager API. Some servers respond like this if a client certificate is missing: set cert_file and key_file in tls_config of Ops Manager "om".` + stripped,
		}, manager("om", s.URL(), 1, trust))
	})
}
