package authority

import (
	"crypto/x509"
	"net"
	"time"
)

// Change modifies the template of a certificate.
type Change = func(*x509.Certificate)

// Named sets the common name of the subject.
func Named(name string) Change {
	return func(c *x509.Certificate) { c.Subject.CommonName = name }
}

// DNS makes the certificate valid for servers with these names and for no address.
func DNS(names ...string) Change {
	return func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, names }
}

// Elsewhere makes the certificate valid only for a server at another address, 192.0.2.1.
func Elsewhere(c *x509.Certificate) {
	c.IPAddresses, c.DNSNames = []net.IP{net.IPv4(192, 0, 2, 1)}, nil
}

// Client makes the certificate valid only for clients.
func Client(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}

// Expired makes the certificate expire an hour ago.
func Expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }

// NotYetValid makes the certificate valid from half an hour from now.
func NotYetValid(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour / 2) }
