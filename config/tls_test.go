package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"

	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/testfile"
)

// certificate returns a new self-signed client certificate and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	return authority.PEM(t, authority.SelfSigned(t, authority.Client))
}

// tlsFiles returns settings that name a CA, a certificate and a key in a new directory.
func tlsFiles(t *testing.T, ca, cert, key string) (TLS, *promconfig.TLSConfig) {
	t.Helper()
	dir := t.TempDir()
	c := &promconfig.TLSConfig{
		CAFile:   filepath.Join(dir, "ca.pem"),
		CertFile: filepath.Join(dir, "client.pem"),
		KeyFile:  filepath.Join(dir, "client.key"),
	}
	testfile.Write(t, c.CAFile, ca)
	testfile.Write(t, c.CertFile, cert)
	testfile.Write(t, c.KeyFile, key)
	return newTLS(c), c
}

func TestTLSReadServesAConnection(t *testing.T) {
	cert, key := certificate(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.TLS.PeerCertificates[0].Subject.CommonName))
	}))
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(cert))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))

	settings, files := tlsFiles(t, ca, cert, key)
	material, err := settings.Read()
	if err != nil {
		t.Fatal(err)
	}
	// No file is read again for a connection.
	for _, file := range []string{files.CAFile, files.CertFile, files.KeyFile} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	transport := &http.Transport{TLSClientConfig: material.Config}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestTLSFingerprint(t *testing.T) {
	cert, key := certificate(t)
	otherCert, otherKey := certificate(t)
	settings, files := tlsFiles(t, cert, cert, key)
	read := func() [32]byte {
		t.Helper()
		m, err := settings.Read()
		if err != nil {
			t.Fatal(err)
		}
		return m.Fingerprint
	}
	seen := map[[32]byte]bool{read(): true}
	testfile.Write(t, files.CAFile, cert)
	if !seen[read()] {
		t.Error("differs without a change")
	}
	testfile.Write(t, files.CAFile, otherCert)
	if seen[read()] {
		t.Error("another CA is not noticed")
	}
	seen[read()] = true
	testfile.Write(t, files.CertFile, otherCert)
	testfile.Write(t, files.KeyFile, otherKey)
	if seen[read()] {
		t.Error("another client certificate is not noticed")
	}
	inline, err := newTLS(&promconfig.TLSConfig{CA: otherCert, Cert: otherCert, Key: promconfig.Secret(otherKey)}).Read()
	if err != nil || inline.Fingerprint != read() {
		t.Errorf("the same inline differs, error %v", err)
	}
}

func TestTLSZero(t *testing.T) {
	m, err := TLS{}.Read()
	if err != nil || m.Config == nil || m.Config.RootCAs != nil || len((TLS{}).sources()) != 0 || (TLS{}).String() != "" {
		t.Errorf("got %v, error %v", m, err)
	}
}

func TestTLSReadErrors(t *testing.T) {
	cert, key := certificate(t)
	otherCert, _ := certificate(t)
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("s3cr3t")}))
	for name, tc := range map[string]struct{ ca, cert, key, want string }{
		"CA empty":           {" \n", cert, key, `ca_file CA: is empty: it must contain PEM text`},
		"CA without one":     {"s3cr3t", cert, key, `ca_file CA: contains no CA certificate: add one in PEM format`},
		"CA is a key":        {key, cert, key, `ca_file CA: contains no CA certificate: add one in PEM format`},
		"CA large":           {strings.Repeat("s3cr3t", 200_000), cert, key, `ca_file CA: is larger than 1 MiB: check that this is the right file`},
		"certificate empty":  {cert, "", key, `cert_file CERT: is empty: it must contain PEM text`},
		"certificate is key": {cert, key, key, `cert_file CERT: contains no certificate: add one in PEM format`},
		"key is certificate": {cert, cert, cert, `key_file KEY: contains no private key: add one in PEM format`},
		"key encrypted":      {cert, cert, encrypted, `key_file KEY: line 1: the private key is encrypted: remove its passphrase, for example with openssl pkey`},
		"key of another":     {cert, otherCert, key, `cert_file CERT and key_file KEY: are not a certificate and its private key: replace both together`},
	} {
		t.Run(name, func(t *testing.T) {
			settings, files := tlsFiles(t, tc.ca, tc.cert, tc.key)
			want := strings.NewReplacer("CA:", `"`+files.CAFile+`":`, "CERT", `"`+files.CertFile+`"`, "KEY", `"`+files.KeyFile+`"`).Replace(tc.want)
			m, err := settings.Read()
			if err == nil || err.Error() != want || m != nil {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	missing := newTLS(&promconfig.TLSConfig{CAFile: filepath.Join(t.TempDir(), "none")})
	if _, err := missing.Read(); err == nil || !strings.HasSuffix(err.Error(), `none": no such file or directory: create it or correct the path`) {
		t.Errorf("got %v", err)
	}
	inline := newTLS(&promconfig.TLSConfig{Cert: cert, Key: "s3cr3t"})
	if _, err := inline.Read(); err == nil || err.Error() != "key: contains no private key: add one in PEM format" {
		t.Errorf("got %v", err)
	}
}
