package config

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/testfile"
)

func TestWarnings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"open.key": 0o644, "group.key": 0o640, "tls.key": 0o604, "opsmanager.yml": 0o644} {
		file := filepath.Join(dir, name)
		testfile.Write(t, file, "s3cr3t")
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
	testfile.Write(t, file, text)
	want := []string{
		`Ops Manager "production": http://opsmanager.example.net is not encrypted, so the status can be read and forged in transit: use https`,
		`Ops Manager "production": insecure_skip_verify lets anyone impersonate Ops Manager: set ca_file instead`,
		`private_key_file "` + dir + `/open.key" is readable by every user of this host: run chmod o-r on it`,
		`key_file "` + dir + `/tls.key" is readable by every user of this host: run chmod o-r on it`,
	}
	if got := mustLoad(t, file).Warnings(); !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	warning := `configuration file "` + file + `" is readable by every user of this host: run chmod o-r on it`
	for name, change := range map[string]*strings.Replacer{
		"private key":       strings.NewReplacer("private_key_file: group.key", "private_key: s3cr3t"),
		"TLS key":           strings.NewReplacer("key_file: tls.key", "key: s3cr3t"),
		"proxy credentials": strings.NewReplacer("    orgs:", "    proxy_url: http://a:s3cr3t@proxy.example.net\n    orgs:"),
		"proxy header":      strings.NewReplacer("    orgs:", "    proxy_from_environment: true\n    proxy_connect_header: {X-Token: [s3cr3t]}\n    orgs:"),
	} {
		t.Run(name, func(t *testing.T) {
			testfile.Write(t, file, change.Replace(text))
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
	testfile.Write(t, filepath.Join(dir, "om.pub"), "jkqmzxvt")
	testfile.Write(t, filepath.Join(dir, "om.key"), "s3cr3t")
	testfile.Write(t, filepath.Join(dir, "ca.pem"), cert)
	if errs := c.CheckFiles(); len(errs) > 0 {
		t.Errorf("got %v", errs)
	}
}

func TestWarningOfOneSlot(t *testing.T) {
	const warning = `Ops Manager "opsmanager.example.net:443": with max_concurrent_requests: 1, an organization that hangs delays all others: use 2 or more, or a timeout well below the scrape timeout`
	for settings, want := range map[string]bool{
		"    max_concurrent_requests: 1\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34c0}]\n":                                 false,
		"    max_concurrent_requests: 1\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34c0}, {id: 5f1e9c2b8d3a4e0012ab34c1}]\n": true,
		"    max_concurrent_requests: 2\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34c0}, {id: 5f1e9c2b8d3a4e0012ab34c1}]\n": false,
	} {
		file := writeConfig(t, "ops_managers:\n  - url: https://opsmanager.example.net\n    api_key: {public_key: a, private_key: b}\n"+settings)
		if got := mustLoad(t, file).Warnings(); slices.Contains(got, warning) != want || len(got) > 1 {
			t.Errorf("%s: got %q", settings, got)
		}
	}
}

func TestWarningOfPlaceholders(t *testing.T) {
	const (
		placeholder = "looks like a placeholder, which is not expanded: use the value itself"
		quotes      = "is quoted, and the quotes are taken as part of it: remove them"
	)
	for key, want := range map[string]string{
		"${OM_PRIVATE_KEY}":                    placeholder,
		"${file:/run/secrets/om}":              placeholder,
		"$OM_PRIVATE_KEY":                      placeholder,
		"$(OM_PRIVATE_KEY)":                    placeholder,
		"%OM_PRIVATE_KEY%":                     placeholder,
		"<private key>":                        placeholder,
		"{{ .Values.privateKey }}":             placeholder,
		"changeme":                             placeholder,
		"CHANGE-ME":                            placeholder,
		`"s3cr3t"`:                             quotes,
		"'s3cr3t'":                             quotes,
		"`s3cr3t`":                             quotes,
		`"${OM_PRIVATE_KEY}"`:                  quotes,
		"jkqmzxvt":                             "",
		"6c9e1234-aaaa-bbbb-cccc-0123456789ab": "",
		"s3cr3t$":                              "",
		"$3cr3t!":                              "",
		`"`:                                    "",
		"changemenow":                          "",
		"a<b>":                                 "",
	} {
		t.Run(key, func(t *testing.T) {
			quoted := "'" + strings.ReplaceAll(key, "'", "''") + "'"
			file := writeConfig(t, "ops_managers:\n  - url: https://opsmanager.example.net\n    name: om\n    api_key: {public_key: "+quoted+", private_key_file: om.key}\n"+
				"    orgs: [{id: 5f1e9c2b8d3a4e0012ab34c0, api_key: {public_key: a, private_key: "+quoted+"}}]\n")
			keyFile := filepath.Join(filepath.Dir(file), "om.key")
			testfile.Write(t, keyFile, key+"\n")
			var all []string
			if want != "" {
				all = []string{
					`Ops Manager "om": public_key ` + want + ", or use public_key_file",
					"organization 5f1e9c2b8d3a4e0012ab34c0: private_key " + want + ", or use private_key_file",
					`private_key_file "` + keyFile + `": the text ` + want,
				}
			}
			c := mustLoad(t, file)
			if got := c.Warnings(); !slices.Equal(got, all) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(all, "\n"))
			}
			if errs := c.CheckFiles(); len(errs) > 0 {
				t.Errorf("a warning is no problem: %v", errs)
			}
		})
	}
}

func TestCheckFilesOfManyOrgs(t *testing.T) {
	ci.Long(t)
	file := writeConfig(t, manyOrgs(10_000))
	c := mustLoad(t, file)
	if got := len(c.CheckFiles()); got != 20_000 {
		t.Errorf("%d problems", got)
	}
	if got := c.Warnings(); len(got) > 0 {
		t.Errorf("got %q", got[:1])
	}
}
