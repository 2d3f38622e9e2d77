package config

import (
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"

	"opsmanager_exporter/collector/testkit/testfile"
)

// addFiles adds files as seeds.
func addFiles(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
}

// FuzzLoad checks that Load never panics, and that a configuration which it accepts is
// accepted again, with the same meaning, after rendering.
func FuzzLoad(f *testing.F) {
	addFiles(f, "testdata/good/*.yml")
	addFiles(f, "testdata/bad/*.yml")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(dir, "fuzz.yml")
		testfile.Write(t, file, text)
		first, err := Load(file)
		if err != nil {
			if first != nil || err.Error() == "" {
				t.Fatalf("a configuration with the error %q", err)
			}
			return
		}
		testfile.Write(t, file, first.String())
		second, err := Load(file)
		if err != nil {
			t.Fatalf("%v\nin:\n%s", err, first)
		}
		if first.String() != second.String() {
			t.Fatalf("rendered:\n%s\nthen:\n%s", first, second)
		}
		hideSecrets(first)
		hideSecrets(second)
		if !reflect.DeepEqual(first.OpsManagers, second.OpsManagers) {
			t.Fatalf("differs after rendering:\n%s", first)
		}
		_ = first.Warnings()
	})
}

// hideSecrets replaces each secret of c by its rendered placeholder.
func hideSecrets(c *Config) {
	for _, k := range c.keys() {
		k.Public.Text, k.Private.Text = NewSecret(k.Public.Text.String()), NewSecret(k.Private.Text.String())
	}
	for i := range c.OpsManagers {
		m := &c.OpsManagers[i]
		if t := m.TLS.settings(); t.Key != "" {
			t.Key = hidden
			m.TLS = newTLS(&t)
		}
		p := m.Proxy.settings()
		for _, values := range p.ProxyConnectHeader {
			for i := range values {
				values[i] = promconfig.Secret(hidden)
			}
		}
		if p.ProxyURL.URL != nil && p.ProxyURL.User != nil {
			p.ProxyURL.User = url.UserPassword("xxxxx", "xxxxx")
		}
	}
}

// FuzzLoadHidesSecrets checks that no error shows a secret, however YAML and net/url
// parse it.
func FuzzLoadHidesSecrets(f *testing.F) {
	for _, s := range []string{"", "*", "&", "!", "!!", "!<", "{", "{a: ", "[", "'", "\"", "a: ", "|", ">", "%", "@", "`", "? ", "- ", "a: *", "\\", "x: {", "u:p", "u:p?", "u:p#", "u/", "%zz", "a@b", "http://", "<<: ", "private_key", "key: "} {
		f.Add(s)
	}
	const marker = "secretmarker" // looks like a key of a mapping, which is the hardest case
	places := map[string]string{
		"private key":         "    api_key:\n      public_key: a\n      private_key: SECRET\n",
		"private key in list": "    api_key:\n      public_key: a\n      private_key: [SECRET]\n",
		"private key in flow": "    api_key: {public_key: a, private_key: \"SECRET}\n",
		"public key":          "    api_key:\n      public_key: SECRET\n      private_key: a\n",
		"api key pair":        "    api_key:\n      SECRET: SECRET\n",
		"api key":             "    api_key: SECRET\n",
		"client secret":       "    service_account:\n      client_id: a\n      client_secret: SECRET\n",
		"client ID":           "    service_account:\n      client_id: SECRET\n      client_secret: a\n",
		"account pair":        "    service_account:\n      SECRET: SECRET\n",
		"account":             "    service_account: SECRET\n",
		"tls key":             "    tls_config:\n      cert: a\n      key: SECRET\n",
		"proxy":               "    proxy_url: http://SECRET@proxy.example.net\n",
		"proxy password":      "    proxy_url: \"http://user:SECRET@proxy.example.net:3128/\"\n",
		"proxy without":       "    proxy_url: SECRET@proxy.example.net\n",
		"url":                 "    url: https://SECRET@opsmanager.example.net\n",
		"url query":           "    url: https://opsmanager.example.net/?SECRET\n",
		"header":              "    proxy_url: http://proxy.example.net\n    proxy_connect_header:\n      A: [SECRET]\n",
		"unindented":          "    api_key:\n    SECRET: SECRET\n",
		"tls key pair":        "    tls_config:\n      SECRET: SECRET\n",
		"header name":         "    proxy_url: http://proxy.example.net\n    proxy_connect_header:\n      SECRET: SECRET\n",
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsFunc(s, isUnprintable) {
			return // A line break would end the secret.
		}
		for name, place := range places {
			secret := s + marker
			file := filepath.Join(dir, "fuzz.yml")
			testfile.Write(t, file, "ops_managers:\n  - name: a\n"+strings.ReplaceAll(place, "SECRET", secret)+"    orgs: [{id: x}]\n")
			_, err := Load(file)
			if err == nil {
				t.Fatal("an organization ID that is none was accepted")
			}
			if strings.Contains(err.Error(), marker) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}

// FuzzRender checks that text survives rendering, however YAML parses it.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"a", "null", "~", "yes", "5e10", "0x1", "2001-01-01", "<<", "*a", "&a", "!a", "a: b", "a #b", " a ", "'", "\"", "\\", "-", "? a", "{}", "[]", "%a", "@a", "`", "|", ">", "é", "\u00a0", "\u200b", "\U0001f511", "="} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		file := filepath.Join(dir, "fuzz.yml")
		quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
		testfile.Write(t, file, strings.ReplaceAll(`ops_managers:
  - url: 'https://opsmanager.example.net'
    name: TEXT
    api_key: {public_key: a, private_key_file: TEXT}
    tls_config: {server_name: TEXT, cert: TEXT, key_file: TEXT}
    proxy_url: http://proxy.example.net
    no_proxy: TEXT
    team: TEXT
    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd, name: TEXT, team: TEXT}]
`, "TEXT", quoted))
		first, err := Load(file)
		if err != nil {
			return
		}
		testfile.Write(t, file, first.String())
		second, err := Load(file)
		if err != nil {
			t.Fatalf("%v\nin:\n%s", err, first)
		}
		hideSecrets(first)
		hideSecrets(second)
		if !reflect.DeepEqual(first.OpsManagers, second.OpsManagers) {
			t.Fatalf("differs after rendering:\n%s\nthen:\n%s", first, second)
		}
	})
}
