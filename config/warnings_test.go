package config

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"open.key": 0o644, "group.key": 0o640, "tls.key": 0o604, "opsmanager.yml": 0o644} {
		file := filepath.Join(dir, name)
		writeFile(t, file, "s3cr3t")
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "opsmanager.yml")
	const text = `ops_managers:
  - url: http://opsmanager.example.net
    name: production
    api_key: {public_key: jkqmzxvt, private_key_file: open.key}
    tls_config: {cert_file: client.pem, key_file: tls.key, insecure_skip_verify: true}
    orgs:
      - id: 5f1e9c2b8d3a4e0012ab34c0
      - id: 5f1e9c2b8d3a4e0012ab34c1
        api_key: {public_key: jkqmzxvt, private_key_file: group.key}
      - id: 5f1e9c2b8d3a4e0012ab34c2
        api_key: {public_key: jkqmzxvt, private_key_file: open.key}
      - id: 5f1e9c2b8d3a4e0012ab34c3
        api_key: {public_key: jkqmzxvt, private_key_file: missing.key}
`
	writeFile(t, file, text)
	want := []string{
		`ops manager "production": http://opsmanager.example.net is not encrypted, so the status can be read and forged on the way: use https`,
		`ops manager "production": insecure_skip_verify lets anyone impersonate it: set ca_file instead`,
		`private_key_file "` + dir + `/open.key" can be read by every user of this host: chmod o-r it`,
		`key_file "` + dir + `/tls.key" can be read by every user of this host: chmod o-r it`,
	}
	if got := mustLoad(t, file).Warnings(); !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	warning := `configuration file "` + file + `" can be read by every user of this host: chmod o-r it`
	for name, change := range map[string]*strings.Replacer{
		"private key":       strings.NewReplacer("private_key_file: group.key", "private_key: s3cr3t"),
		"TLS key":           strings.NewReplacer("key_file: tls.key", "key: s3cr3t"),
		"proxy credentials": strings.NewReplacer("    orgs:", "    proxy_url: http://a:s3cr3t@proxy.example.net\n    orgs:"),
		"proxy header":      strings.NewReplacer("    orgs:", "    proxy_from_environment: true\n    proxy_connect_header: {X-Token: [s3cr3t]}\n    orgs:"),
	} {
		t.Run(name, func(t *testing.T) {
			writeFile(t, file, change.Replace(text))
			if got := mustLoad(t, file).Warnings(); !slices.Contains(got, warning) {
				t.Errorf("no warning about the configuration file: %q", got)
			}
		})
	}
	if got := mustLoad(t, "testdata/good/minimal.yml").Warnings(); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

func TestCheckFiles(t *testing.T) {
	cert, _ := certificate(t)
	file := writeConfig(t, `ops_managers:
  - url: https://opsmanager.example.net
    api_key: {public_key_file: om.pub, private_key_file: om.key}
    tls_config: {ca_file: ca.pem}
    orgs:
      - id: 5f1e9c2b8d3a4e0012ab34c0
      - id: 5f1e9c2b8d3a4e0012ab34c1
        api_key: {public_key_file: om.pub, private_key_file: om.key}
  - url: https://other.example.net
    tls_config: {ca_file: ca.pem, server_name: other}
    orgs:
      - id: 5f1e9c2b8d3a4e0012ab34c2
        api_key: {public_key: a, private_key: b}
`)
	dir := filepath.Dir(file)
	c := mustLoad(t, file)
	var got []string
	for _, err := range c.CheckFiles() {
		got = append(got, err.Error())
	}
	want := []string{
		`public_key_file "` + dir + `/om.pub": no such file or directory: create it or correct the path`,
		`private_key_file "` + dir + `/om.key": no such file or directory: create it or correct the path`,
		`ca_file "` + dir + `/ca.pem": no such file or directory: create it or correct the path`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	writeFile(t, filepath.Join(dir, "om.pub"), "jkqmzxvt")
	writeFile(t, filepath.Join(dir, "om.key"), "s3cr3t")
	writeFile(t, filepath.Join(dir, "ca.pem"), cert)
	if errs := c.CheckFiles(); len(errs) > 0 {
		t.Errorf("got %v", errs)
	}
}
