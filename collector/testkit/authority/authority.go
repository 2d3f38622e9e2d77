// Package authority makes certificate authorities and certificates for tests.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/testfile"
)

// Authority is a certificate authority. It is not modified once it is made, so
// that it may be used concurrently.
type Authority struct {
	// Certificate is the authority's own.
	Certificate *x509.Certificate

	key   *ecdsa.PrivateKey
	chain [][]byte // the certificates between those that it issues and its root
}

// New returns an authority whose certificate is self-signed.
func New(tb testing.TB, changes ...Change) *Authority {
	tb.Helper()
	return create(tb, nil, "test CA", changes)
}

// Intermediate returns an authority whose certificate a signed. What it issues
// comes with that certificate.
func (a *Authority) Intermediate(tb testing.TB, changes ...Change) *Authority {
	tb.Helper()
	b := create(tb, a, "test intermediate CA", changes)
	b.chain = append([][]byte{b.Certificate.Raw}, a.chain...)
	return b
}

// create gives every authority a name that is not its parent's or its
// certificates': OpenSSL takes a certificate that names itself as its issuer for
// self-signed.
func create(tb testing.TB, parent *Authority, name string, changes []Change) *Authority {
	tb.Helper()
	der, key := sign(tb, parent, append([]Change{Named(name), func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}}, changes...))
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return &Authority{Certificate: cert, key: key}
}

// Issue returns a certificate for servers at 127.0.0.1 and localhost, and for
// clients, that is valid for an hour unless it is changed.
func (a *Authority) Issue(tb testing.TB, changes ...Change) tls.Certificate {
	tb.Helper()
	der, key := sign(tb, a, append([]Change{loopback}, changes...))
	return tls.Certificate{Certificate: append([][]byte{der}, a.chain...), PrivateKey: key}
}

// SelfSigned returns a certificate such as [Authority.Issue] does, which no
// authority signed.
func SelfSigned(tb testing.TB, changes ...Change) tls.Certificate {
	tb.Helper()
	der, key := sign(tb, nil, append([]Change{loopback}, changes...))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Server returns the configuration of a server with a certificate that a issues.
func (a *Authority) Server(tb testing.TB, changes ...Change) *tls.Config {
	tb.Helper()
	return &tls.Config{Certificates: []tls.Certificate{a.Issue(tb, changes...)}}
}

// Demand makes a server demand client certificates that a issued. It returns c.
func (a *Authority) Demand(c *tls.Config) *tls.Config {
	c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, a.Pool()
	return c
}

// Pool returns a new pool that holds the authority's certificate alone.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// Trust returns the configuration of a client that trusts a alone.
func (a *Authority) Trust() *tls.Config {
	return &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12}
}

// PEM returns the authority's certificate in PEM format.
func (a *Authority) PEM() string { return encode("CERTIFICATE", a.Certificate.Raw) }

// File writes the authority's certificate to a file in a folder of its own.
func (a *Authority) File(tb testing.TB) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "ca.pem")
	testfile.Write(tb, file, a.PEM())
	return file
}

func loopback(c *x509.Certificate) {
	c.IPAddresses, c.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"}
}

// sign returns a certificate with these changes and its key. Without an
// authority it is self-signed.
func sign(tb testing.TB, by *Authority, changes []Change) ([]byte, *ecdsa.PrivateKey) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	for _, change := range changes {
		change(template)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		tb.Fatal(err)
	}
	return der, key
}
