package collector

import (
	"crypto/x509"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
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
	base := &url.URL{Scheme: "https", Host: "opsmanager.example.net"}
	m := newManager(config.OpsManager{Name: "production", URL: base, Timeout: time.Minute, MaxConcurrentRequests: 1}, nil,
		opsmanager.NewSessions(), "test", slog.New(slog.DiscardHandler))
	defer m.close()
	if err := m.refreshTLS(); err != nil {
		t.Fatal(err)
	}
	if roots := m.material.Config.RootCAs; roots == nil || roots.Equal(x509.NewCertPool()) {
		t.Error("no CA certificates")
	}
}
