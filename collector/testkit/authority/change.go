package authority

import (
	"crypto/x509"
	"net"
	"time"
)

// A Change makes a certificate differ from the usual.
type Change = func(*x509.Certificate)

// Named gives the subject a common name.
func Named(name string) Change {
	return func(c *x509.Certificate) { c.Subject.CommonName = name }
}

// DNS makes the certificate one for servers with these names, and for no address.
func DNS(names ...string) Change {
	return func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, names }
}

// Elsewhere makes the certificate one for a server at another address, 192.0.2.1.
func Elsewhere(c *x509.Certificate) {
	c.IPAddresses, c.DNSNames = []net.IP{net.IPv4(192, 0, 2, 1)}, nil
}

// Client makes the certificate one for clients alone.
func Client(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}

// Expired lets the certificate end an hour ago.
func Expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }

// NotYetValid lets the certificate begin in half an hour.
func NotYetValid(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour / 2) }
