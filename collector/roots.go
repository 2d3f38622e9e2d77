package collector

import (
	"crypto/x509"
	"fmt"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// publicRoots returns the public CA certificates for a system that has none, as
// in a container from scratch. It returns nil, which stands for the system's
// own, where there are some.
//
// Package fallback would parse them at every start, for 4 ms and 2 MB.
func publicRoots() (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if system, err := x509.SystemCertPool(); err == nil && !system.Equal(roots) {
		return nil, nil //nolint:nilnil // tls.Config.RootCAs takes it so
	}
	for root := range bundle.Roots() {
		cert, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return nil, fmt.Errorf("parse the public CA certificates: %w", err)
		}
		if root.Constraint != nil {
			roots.AddCertWithConstraint(cert, root.Constraint)
		} else {
			roots.AddCert(cert)
		}
	}
	return roots, nil
}
