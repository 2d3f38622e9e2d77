package webconfig

import (
	"errors"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/exporter-toolkit/web"

	"opsmanager_exporter/collector/testkit/testfile"
)

func nobodyLogs() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	writeCertificate(t, "server")
	writeCertificate(t, "other")
	testfile.Write(t, "empty.pem", "")
	const pair = "tls_server_config: {cert_file: server.pem, key_file: server.key"
	for _, tt := range []struct{ name, content, want string }{
		{"hashes", "basic_auth_users: {prometheus: secret, b: also-secret}\n", `basic_auth_users: the password of "b" is not a bcrypt hash: use what htpasswd -nB "b" prints after the colon` + "\n" +
			`basic_auth_users: the password of "prometheus" is not a bcrypt hash: use what htpasswd -nB "prometheus" prints after the colon`},
		{"users that are a text", "basic_auth_users: a-secret\n", "line 1: the value has the wrong type for this key"},
		{"unknown keys", "tls_config: {}\nbasic_auth: {}\n", "line 1: unknown key \"tls_config\"\nline 2: unknown key \"basic_auth\""},
		{"keys twice", "rate_limit: {burst: 1}\nrate_limit: {burst: 1}\nbasic_auth_users: {a: b, a: c}\n", `line 2: key "rate_limit" appears twice` + "\n" + `line 3: key "a" appears twice`},
		{"no YAML", "basic_auth_users: {\n", "line 1: did not find expected node content"},
		{"header", "http_server_config: {headers: {X-Secret: x, X-Frame-Options: maybe}}\n", `http_server_config.headers: X-Frame-Options="maybe": must be deny or sameorigin` + "\n" +
			`http_server_config.headers: "X-Secret" cannot be set: remove it`},
		{"no certificate", "tls_server_config: {key_file: server.key}\n", "tls_server_config: has no certificate: set cert_file"},
		{"no key", "tls_server_config: {cert_file: server.pem}\n", "tls_server_config: has no key: set key_file"},
		{"missing files", "tls_server_config: {cert_file: no.pem, key_file: no.key, client_ca_file: no.ca}\n", `tls_server_config.cert_file "no.pem": no such file or directory: create it or correct the path` + "\n" +
			`tls_server_config.key_file "no.key": no such file or directory: create it or correct the path` + "\n" +
			`tls_server_config.client_ca_file "no.ca": no such file or directory: create it or correct the path`},
		{"empty certificate", "tls_server_config: {cert_file: empty.pem, key_file: server.key}\n", `tls_server_config.cert_file "empty.pem" and key_file "server.key": tls: failed to find any PEM data in certificate input: they must be a certificate and its unencrypted key in PEM format`},
		{"another key", "tls_server_config: {cert_file: server.pem, key_file: other.key}\n", `tls_server_config.cert_file "server.pem" and key_file "other.key": tls: private key does not match public key: they must be a certificate and its unencrypted key in PEM format`},
		{"empty client CA", pair + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: empty.pem}\n", `tls_server_config.client_ca_file "empty.pem": contains no certificate: it must be the clients' CA in PEM format`},
		{"a directory", "tls_server_config: {cert_file: ., key_file: server.key}\n", `tls_server_config.cert_file ".": is not a regular file: use the path of a file`},
		{"client authentication", pair + ", client_auth_type: Sometimes}\n", "tls_server_config: invalid ClientAuth: Sometimes"},
		{"a client CA for nothing", pair + ", client_ca_file: other.pem}\n", "tls_server_config: client CA's have been configured without a Client Auth Policy"},
		{"ciphers", pair + ", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]}\n", "tls_server_config.cipher_suites: HTTP/2 requires TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: add it, or set http_server_config.http2 to false"},
		{"version", pair + ", min_version: TLS14}\n", "unknown TLS version: TLS14"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			testfile.Write(t, "web.yml", tt.content)
			const prefix = `--web.config.file="web.yml": `
			f, err := Open(t.Context(), "web.yml", nobodyLogs())
			want := prefix + strings.ReplaceAll(tt.want, "\n", "\n"+prefix)
			if f != nil || err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Error("a password shows")
			}
		})
	}
}

// The test files of exporter-toolkit are accepted or rejected like in exporter-toolkit.
func TestAgainstToolkit(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus/exporter-toolkit").Output()
	if err != nil {
		t.Fatal(err)
	}
	// File names are relative to this directory.
	t.Chdir(filepath.Join(strings.TrimSpace(string(out)), "web"))
	files, err := filepath.Glob("testdata/*.y*ml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d test files, %v", len(files), err)
	}
	for _, file := range files {
		_, got := Open(t.Context(), file, nobodyLogs())
		want := web.Validate(file)
		if strings.Contains(file, "noHTTP2Cipher.bad") {
			want = errors.New("refused by http2.ConfigureServer, later")
		}
		if (got == nil) != (want == nil) {
			t.Errorf("%s: got %v, exporter-toolkit says %v", file, got, want)
		}
	}
}
