package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// listenerPassword hashes to the bcrypt value in the web configuration below.
const listenerPassword = "listener-password"

// allPaths are the paths that the exporter serves, and one that it does not.
func allPaths() []string {
	return []string{"/", "/metrics", "/metrics?collect[]=exporter", "/probe?target=5f1e9c2b8d3a4e0012ab3401", "/sd", "/-/healthy", "/-/ready", "/-/reload", "/nothing"}
}

func TestListenerSecurity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, roots := certificate(t, dir, "server")
	client, _ := certificate(t, dir, "client")
	webConfig := filepath.Join(dir, "web.yml")
	content := `tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: client.pem
basic_auth_users:
  prometheus: $2a$04$UubBr5nNKNy/6ugUqzTQYun.Rl5afhLuEQxHd9ZA8XD1jEb91nF16
`
	if err := os.WriteFile(webConfig, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	p := launch(t, "demo", "--web.config.file="+webConfig)
	newClient := func(certificates ...tls.Certificate) *http.Client {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	address := "https" + strings.TrimPrefix(p.url, "http")
	known := newClient(client)
	awaitReady(t, p, func() error {
		resp, err := known.Get(address + "/-/ready")
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	for _, path := range allPaths() {
		for _, password := range []string{"", "wrong", listenerPassword} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if password != "" {
				req.SetBasicAuth("prometheus", password)
			}
			resp, err := known.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if let := resp.StatusCode != http.StatusUnauthorized; let != (password == listenerPassword) {
				t.Errorf("%s with password %q: status %d", path, password, resp.StatusCode)
			}
			if password != listenerPassword && strings.Contains(string(body), "opsmanager_") {
				t.Errorf("%s without the password answers %q", path, body)
			}
		}
		if resp, err := newClient().Get(address + path); err == nil {
			resp.Body.Close()
			t.Errorf("%s without a client certificate: status %d", path, resp.StatusCode)
		}
		if resp, err := newClient(server).Get(address + path); err == nil {
			resp.Body.Close()
			t.Errorf("%s with another CA's client certificate: status %d", path, resp.StatusCode)
		}
	}
	p.stop(t, syscall.SIGTERM)
}

// certificate writes name.pem and name.key: a certificate that signed itself.
func certificate(t *testing.T, dir, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	for file, content := range map[string][]byte{name + ".pem": certPEM, name + ".key": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certPEM)
	return pair, roots
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "demo")
	for _, path := range allPaths() {
		resp, _ := p.get(t, path)
		for _, header := range []string{"Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options"} {
			if resp.Header.Get(header) == "" {
				t.Errorf("%s: no %s", path, header)
			}
		}
	}
	p.stop(t, syscall.SIGTERM)
}

// Clients that are slow, or that send too much, lose their connection and take
// nobody else's.
func TestSlowAndGreedyClients(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "demo")
	address := strings.TrimPrefix(p.url, "http://")
	slow := make([]net.Conn, 200)
	for i := range slow {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n")
		slow[i] = conn
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go fmt.Fprintf(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Greedy: %s\r\n\r\n", strings.Repeat("x", 1<<20))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("huge header: %q, %v", line, err)
	}
	if _, body := p.get(t, "/metrics"); !strings.Contains(body, "opsmanager_migration_link_synced") {
		t.Error("no metrics beside slow clients")
	}
	for _, conn := range slow {
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		// The server says 408 or nothing, and closes.
		if _, err := io.ReadAll(conn); err != nil && os.IsTimeout(err) {
			t.Fatal("a client that never ends its headers keeps its connection")
		}
	}
	p.stop(t, syscall.SIGTERM)
}

func TestReloadOverHTTP(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "opsmanager.yml")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := func(id string) string {
		return "ops_managers:\n  - url: https://127.0.0.1:1\n    api_key: {public_key: jkqmzxvt, private_key: a-private-key}\n    orgs: [{id: " + id + "}]\n"
	}
	write(good("5f1e9c2b8d3a4e0012ab34cd"))
	p := startProgram(t, "--config.file="+file, "--web.enable-lifecycle")
	reload := func(method string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, p.url+"/-/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, _ := reload(http.MethodGet); status != http.StatusMethodNotAllowed {
		t.Errorf("GET /-/reload: status %d", status)
	}
	write(good("5f1e9c2b8d3a4e0012ab34ce"))
	if status, body := reload(http.MethodPost); status != http.StatusOK {
		t.Errorf("a good file: status %d, %s", status, body)
	}
	if _, body := p.get(t, "/sd"); !strings.Contains(body, "5f1e9c2b8d3a4e0012ab34ce") || strings.Contains(body, "5f1e9c2b8d3a4e0012ab34cd") {
		t.Errorf("after a reload: %s", body)
	}
	write(good("not-an-id"))
	want := "the configuration in use stays:\n" + file + `:4: ops_managers[0].orgs[0].id: "not-an-id" is not an organization ID: use its 24 hexadecimal digits (Ops Manager > Organization > Settings)` + "\n"
	if status, body := reload(http.MethodPost); status != http.StatusInternalServerError || body != want {
		t.Errorf("a bad file: status %d, %q, want %q", status, body, want)
	}
	if _, body := p.get(t, "/metrics"); !strings.Contains(body, "opsmanager_exporter_config_last_reload_successful 0\n") || !strings.Contains(body, "5f1e9c2b8d3a4e0012ab34ce") {
		t.Error("a bad file is not told by the metric, or changed the configuration")
	}
	// SIGHUP does the same.
	write(good("5f1e9c2b8d3a4e0012ab34cf"))
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, p, func() error {
		if _, body := p.get(t, "/sd"); !strings.Contains(body, "5f1e9c2b8d3a4e0012ab34cf") {
			return fmt.Errorf("after SIGHUP: %s", body)
		}
		return nil
	})
	log := p.stop(t, syscall.SIGTERM)
	if !strings.Contains(log, "Reload failed, the configuration in use stays") || strings.Contains(log, "jkqmzxvt") || strings.Contains(log, "a-private-key") {
		t.Errorf("log of the reloads:\n%s", log)
	}

	off := startProgram(t, "--config.file="+file)
	resp, err := http.Post(off.url+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("without --web.enable-lifecycle: status %d", resp.StatusCode)
	}
	off.stop(t, syscall.SIGTERM)
}
