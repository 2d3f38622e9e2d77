package authority

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/testfile"
)

// PEM returns a certificate with its chain, and its key, in PEM format.
func PEM(tb testing.TB, c tls.Certificate) (cert, key string) {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		tb.Fatal(err)
	}
	var chain strings.Builder
	for _, raw := range c.Certificate {
		chain.WriteString(encode("CERTIFICATE", raw))
	}
	return chain.String(), encode("PRIVATE KEY", der)
}

// Files writes a certificate and its key to files in a new directory.
func Files(tb testing.TB, c tls.Certificate) (certFile, keyFile string) {
	tb.Helper()
	dir := tb.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := PEM(tb, c)
	testfile.Write(tb, certFile, cert)
	testfile.Write(tb, keyFile, key)
	return certFile, keyFile
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
