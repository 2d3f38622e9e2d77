package realdigest

import (
	"crypto/x509"
	"path/filepath"
	"testing"

	"opsmanager_exporter/collector/testkit/authority"
)

// identity is the certificate of a server, in files signed by a new authority.
type identity struct {
	caFile string // PEM
	pool   *x509.CertPool
}

// newIdentity writes ca.pem, cert.pem and key.pem.
func newIdentity(tb testing.TB, dir string) *identity {
	tb.Helper()
	ca := authority.New(tb)
	cert, key := authority.PEM(tb, ca.Issue(tb))
	id := &identity{caFile: filepath.Join(dir, "ca.pem"), pool: ca.Pool()}
	writeFile(tb, id.caFile, []byte(ca.PEM()))
	writeFile(tb, filepath.Join(dir, "cert.pem"), []byte(cert))
	writeFile(tb, filepath.Join(dir, "key.pem"), []byte(key))
	return id
}
