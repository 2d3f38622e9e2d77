package collector

import (
	"crypto/x509"
	"os"
	"os/exec"
	"testing"
)

// On a system without CA certificates, the public ones are there all the same.
func TestPublicRoots(t *testing.T) {
	if dir := os.Getenv("SSL_CERT_DIR"); dir == "" || dir != os.Getenv("SSL_CERT_FILE") {
		if system, err := x509.SystemCertPool(); err == nil && !system.Equal(x509.NewCertPool()) {
			if roots, err := publicRoots(); roots != nil || err != nil {
				t.Errorf("not the system's: %v, %v", roots, err)
			}
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPublicRoots$")
		none := t.TempDir()
		cmd.Env = append(os.Environ(), "SSL_CERT_DIR="+none, "SSL_CERT_FILE="+none)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if roots, err := publicRoots(); err != nil || roots == nil || roots.Equal(x509.NewCertPool()) {
		t.Errorf("no CA certificates: %v", err)
	}
}
