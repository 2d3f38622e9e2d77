package opsmanager_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
)

// A server supports only HTTP/2 and rejects the handshake like OpenSSL. crypto/tls accepts
// HTTP/1.1 clients if h2 is configured, so this test uses another protocol name.
func TestNoHTTP1(t *testing.T) {
	ca := authority.New(t)
	server := ca.Server(t)
	server.NextProtos = []string{"h3"}
	r := newRig(t, "https://"+listen(t, func(c net.Conn, _ int) { _ = tls.Server(c, server).Handshake() }), nil)
	r.SetTLS(ca.Trust())
	status, err := r.poll(t)
	failure{opsmanager.ReasonTLS, 0, "", "the server does not offer HTTP/1.1"}.check(t, status, err)
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "remote error" {
		t.Errorf("%v hides the alert", err)
	}
}

// ALPN offers only HTTP/1.1, even if the server prefers HTTP/2.
func TestALPN(t *testing.T) {
	ca := authority.New(t)
	server := ca.Server(t)
	server.NextProtos = []string{"h2", "http/1.1"}
	offered := make(chan []string, 1)
	server.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		offered <- hello.SupportedProtos
		return nil, nil
	}
	r := newRig(t, simulate(t, simulator.Options{TLS: server}, simulator.Org{}).URL(), nil)
	r.SetTLS(ca.Trust())
	r.synced(t)
	if got := strings.Join(<-offered, " "); got != "http/1.1" {
		t.Errorf("offered %q", got)
	}
}

// Text that an impostor writes into a certificate is never shown.
func TestFreeTextOfCertificates(t *testing.T) {
	const text = "visit-evil-example"
	constrained := authority.New(t, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{text + ".example.net"}
	})
	ca := authority.New(t)
	// crypto/x509 does not create a certificate that it cannot parse.
	malformed := ca.Server(t, func(c *x509.Certificate) { c.URIs = []*url.URL{{Scheme: "http", Host: text}} })
	der := malformed.Certificates[0].Certificate[0]
	_, uri, _ := bytes.Cut(der, []byte("ttp://"+text))
	copy(der[len(der)-len(uri)-len("ttp://"+text):], "://%zz/")
	named := ca.Server(t, func(c *x509.Certificate) { c.DNSNames = []string{text}; c.IPAddresses = nil })
	for name, tt := range map[string]struct {
		server *tls.Config
		trust  *tls.Config
		want   string
	}{
		"malformed URI": {malformed, ca.Trust(), "the server's certificate is malformed"},
		"other name":    {named, ca.Trust(), "the server's certificate is for another name"},
		"names that its CA must not sign for": {
			constrained.Server(t, func(c *x509.Certificate) { c.DNSNames = []string{text + ".example.org"} }), constrained.Trust(),
			"tls: failed to verify certificate: x509: a root or intermediate certificate is not authorized to sign for this name",
		},
		"no server's certificate": {
			ca.Server(t, func(c *x509.Certificate) {
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
				c.DNSNames = []string{text}
			}), ca.Trust(),
			"tls: failed to verify certificate: x509: certificate specifies an incompatible key usage",
		},
		"anything else": {
			func() *tls.Config {
				c := ca.Server(t)
				c.MaxVersion = tls.VersionTLS12
				c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
				return c
			}(),
			&tls.Config{RootCAs: ca.Pool(), VerifyConnection: func(tls.ConnectionState) error { return errors.New("see " + text) }},
			"the TLS handshake failed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, simulate(t, simulator.Options{TLS: tt.server}, simulator.Org{}).URL(), nil)
			r.SetTLS(tt.trust)
			status, err := r.poll(t)
			failure{opsmanager.ReasonTLS, 0, "", tt.want}.check(t, status, err)
			if strings.Contains(err.Error(), text) {
				t.Errorf("says %v", err)
			}
		})
	}
}
