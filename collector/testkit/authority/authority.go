// Package authority creates certificate authorities and certificates for tests.
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

// Authority is a certificate authority. It is immutable and safe for concurrent use.
type Authority struct {
	// Certificate is the authority's own.
	Certificate *x509.Certificate

	key   *ecdsa.PrivateKey
	chain [][]byte // certificates between the issued ones and the root
}

// New returns an authority with a self-signed certificate.
func New(tb testing.TB, changes ...Change) *Authority {
	tb.Helper()
	return create(tb, nil, "test CA", changes)
}

// Intermediate returns an authority whose certificate is signed by a and is part of the
// chain of each certificate that it issues.
func (a *Authority) Intermediate(tb testing.TB, changes ...Change) *Authority {
	tb.Helper()
	b := create(tb, a, "test intermediate CA", changes)
	b.chain = append([][]byte{b.Certificate.Raw}, a.chain...)
	return b
}

// create returns a new authority. Its name must differ from those of its parent and of
// its certificates, because OpenSSL considers a certificate self-signed if subject and
// issuer are equal.
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

// Issue returns a certificate for servers at 127.0.0.1 and localhost, and for clients. It
// is valid for an hour unless changes say otherwise.
func (a *Authority) Issue(tb testing.TB, changes ...Change) tls.Certificate {
	tb.Helper()
	der, key := sign(tb, a, append([]Change{loopback}, changes...))
	return tls.Certificate{Certificate: append([][]byte{der}, a.chain...), PrivateKey: key}
}

// SelfSigned returns a self-signed certificate like those of [Authority.Issue].
func SelfSigned(tb testing.TB, changes ...Change) tls.Certificate {
	tb.Helper()
	der, key := sign(tb, nil, append([]Change{loopback}, changes...))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Server returns a server configuration with a certificate issued by a.
func (a *Authority) Server(tb testing.TB, changes ...Change) *tls.Config {
	tb.Helper()
	return &tls.Config{Certificates: []tls.Certificate{a.Issue(tb, changes...)}}
}

// Demand makes c require client certificates issued by a, and returns c.
func (a *Authority) Demand(c *tls.Config) *tls.Config {
	c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, a.Pool()
	return c
}

// Pool returns a new pool with only the authority's certificate.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate)
	return pool
}

// Trust returns a client configuration that trusts only a.
func (a *Authority) Trust() *tls.Config {
	return &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12}
}

// PEM returns the authority's certificate in PEM format.
func (a *Authority) PEM() string { return encode("CERTIFICATE", a.Certificate.Raw) }

// File writes the authority's certificate to a file in a new directory.
func (a *Authority) File(tb testing.TB) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "ca.pem")
	testfile.Write(tb, file, a.PEM())
	return file
}

func loopback(c *x509.Certificate) {
	c.IPAddresses, c.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"}
}

// sign returns a certificate with changes, and its key. It is self-signed if by is nil.
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
