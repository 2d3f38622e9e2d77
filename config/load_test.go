package config

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/wait"
)

// writeConfig writes a configuration file into a new directory and returns its name.
func writeConfig(t testing.TB, text string) string {
	t.Helper()
	return testfile.New(t, "opsmanager.yml", text)
}

func mustLoad(t testing.TB, file string) *Config {
	t.Helper()
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var update = flag.Bool("update", false, "write testdata/bad.golden")

// Each file in testdata/bad breaks one rule; bad.golden has the errors of all.
func TestLoadBad(t *testing.T) {
	t.Chdir("testdata/bad")
	files, err := filepath.Glob("*.yml")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("../bad.golden")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(golden)) {
		name, _, _ := strings.Cut(line, ":")
		want[name] += line
	}
	var all strings.Builder
	for _, file := range files {
		t.Run(strings.TrimSuffix(file, ".yml"), func(t *testing.T) {
			c, err := Load(file)
			if err == nil {
				t.Fatal("no error")
			}
			if c != nil {
				t.Error("an error and a configuration")
			}
			got := err.Error() + "\n"
			all.WriteString(got)
			if got != want[file] {
				t.Errorf("got:\n%swant:\n%s", got, want[file])
			}
			delete(want, file)
			// The secrets in these files all contain one of these.
			for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
				got := strings.ToLower(fmt.Sprintf(verb, err))
				for _, secret := range []string{"s3cr3t", "jkqmzxvt", "qwertzuiop", "6c9e1234", "12345678"} {
					if strings.Contains(got, secret) {
						t.Errorf("%s shows a secret: %s", verb, got)
					}
				}
			}
			var problems Problems
			if !errors.As(err, &problems) || len(problems.Unwrap()) != strings.Count(got, "\n") {
				t.Errorf("%d problems", len(problems))
			}
		})
	}
	if len(want) > 0 {
		t.Errorf("no such files: %q", slices.Sorted(maps.Keys(want)))
	}
	if *update {
		testfile.Write(t, "../bad.golden", all.String())
	}
}

func TestLoadUnusableFile(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yml")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxFileSize+1); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ file, want string }{
		"missing":   {filepath.Join(dir, "none.yml"), "no such file or directory: create it or correct the path"},
		"directory": {dir, "is not a regular file: use the path of a file"},
		"large":     {large, "is larger than 8 MiB: check that this is the right file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(tc.file)
			if err == nil || err.Error() != tc.file+": "+tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if name == "missing" && !errors.Is(err, fs.ErrNotExist) {
				t.Error("is not fs.ErrNotExist")
			}
		})
	}
}

func TestLoadMinimal(t *testing.T) {
	c := mustLoad(t, "testdata/good/minimal.yml")
	m := c.OpsManagers[0]
	if m.Name != "opsmanager.example.net:443" || m.URL.String() != "https://opsmanager.example.net" {
		t.Errorf("name %q, url %s", m.Name, m.URL)
	}
	if m.Timeout != 5*time.Second || m.MaxConcurrentRequests != 16 {
		t.Errorf("timeout %s, max_concurrent_requests %d", m.Timeout, m.MaxConcurrentRequests)
	}
	want, err := filepath.Abs("testdata/good/om.key")
	if err != nil {
		t.Fatal(err)
	}
	if m.Credentials.Private.File != want {
		t.Errorf("private_key_file %q, want %q", m.Credentials.Private.File, want)
	}
	if len(m.TLS.sources()) != 0 || m.Proxy.Func() != nil || m.Proxy.ConnectHeader() != nil {
		t.Error("TLS files or a proxy from nowhere")
	}
	if m.CredentialsOf(&m.Orgs[0]) != m.Credentials {
		t.Error("the organization does not use the key of its Ops Manager")
	}
}

func TestLoadFull(t *testing.T) {
	c := mustLoad(t, "testdata/good/full.yml")
	m := c.OpsManagers[0]
	if m.Name != "production" || m.URL.Path != "/om" || m.Timeout != 90*time.Second || m.MaxConcurrentRequests != 4 || !m.DisableKeepAlives {
		t.Errorf("got %+v", m)
	}
	if m.Credentials.Public.Text.Reveal() != "jkqmzxvt-s3cr3t" {
		t.Error("wrong public key")
	}
	if m.Orgs[0].ID != "5f1e9c2b8d3a4e0012ab34cd" || m.Orgs[0].Name != "Payments" {
		t.Errorf("got %+v", m.Orgs[0])
	}
	if own := m.Orgs[1].Credentials; m.CredentialsOf(&m.Orgs[1]) != own || own.Private.File != "/run/secrets/risk.key" {
		t.Errorf("got %+v", own)
	}
	if m.TeamOf(&m.Orgs[0]) != "payments-dba" || m.TeamOf(&m.Orgs[1]) != "Risk & Größe" {
		t.Errorf("teams %q and %q", m.TeamOf(&m.Orgs[0]), m.TeamOf(&m.Orgs[1]))
	}
	if other := &c.OpsManagers[1]; other.TeamOf(&other.Orgs[0]) != "" {
		t.Errorf("a team from nowhere: %q", other.TeamOf(&other.Orgs[0]))
	}
	if got := m.Proxy.ConnectHeader().Values("Proxy-Authorization"); len(got) != 2 || got[0] != "Bearer s3cr3t" {
		t.Error("wrong header for the proxy")
	}
	if got := c.OpsManagers[1].Name; got != "[2001:db8::1]:80" {
		t.Errorf("default name %q", got)
	}
	if got := c.OpsManagers[1].Orgs[0].Credentials.Private.Text.Reveal(); got != "spaced s3cr3t" {
		t.Error("spaces around the inline key are kept")
	}
}

func TestLoadAnchors(t *testing.T) {
	c := mustLoad(t, "testdata/good/anchors.yml")
	var got []string
	for _, m := range c.OpsManagers {
		got = append(got, fmt.Sprint(m.Name, " ", m.URL, " ", m.Timeout, " ", m.Orgs[0].ID, " ", m.Orgs[0].Name))
	}
	want := []string{
		"first https://first.example.net 1.5s 571234567890123456789e10 Number: 5e10",
		"second https://second.example.net 1.5s 000000000000000000000001 ",
		"third https://first.example.net 1m0s 123456789012345678901234 ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if key, err := c.OpsManagers[1].Orgs[0].Credentials.Read(); err != nil || key.Private.Reveal() != "*s3cr3t: {#&!" {
		t.Errorf("wrong key, error %v", err)
	}
}

func TestLoadValues(t *testing.T) {
	for name, tc := range map[string]struct {
		settings string
		ok       func(OpsManager) bool
	}{
		"explicit tags":             {"    name: !!str 12\n    tls_config: !!map {server_name: ! om}\n", nil},
		"tag of text":               {"    name: !!str 12\n", func(m OpsManager) bool { return m.Name == "12" }},
		"tags of collections":       {"    tls_config: !!map {server_name: !!str null}\n", func(m OpsManager) bool { return m.TLS.settings().ServerName == "null" }},
		"tag of a truth value":      {"    reuse_connections: !!bool false\n", nil},
		"connections are reused":    {"    timeout: 5s\n", func(m OpsManager) bool { return !m.DisableKeepAlives }},
		"reuse_connections: true":   {"    reuse_connections: true\n", func(m OpsManager) bool { return !m.DisableKeepAlives }},
		"reuse_connections: false":  {"    reuse_connections: false\n", func(m OpsManager) bool { return m.DisableKeepAlives }},
		"False":                     {"    reuse_connections: False\n", func(m OpsManager) bool { return m.DisableKeepAlives }},
		"FALSE":                     {"    reuse_connections: FALSE\n", func(m OpsManager) bool { return m.DisableKeepAlives }},
		"True":                      {"    tls_config: {insecure_skip_verify: True}\n", func(m OpsManager) bool { return m.TLS.settings().InsecureSkipVerify }},
		"TRUE":                      {"    tls_config: {insecure_skip_verify: TRUE}\n", func(m OpsManager) bool { return m.TLS.settings().InsecureSkipVerify }},
		"tRue":                      {"    tls_config: {insecure_skip_verify: tRue}\n", nil},
		"spaces around a name":      {"    name: '\u00a0 Payments  and risk '\n", func(m OpsManager) bool { return m.Name == "Payments  and risk" }},
		"no-break space in a name":  {"    name: \"\\_a\\_b\\_\"\n", func(m OpsManager) bool { return m.Name == "a\u00a0b" }},
		"JSON":                      {"    name: \"\\u00e9\\/\\u20ac\"\n", func(m OpsManager) bool { return m.Name == "é/€" }},
		"the longest team":          {"    team: " + strings.Repeat("é", 100) + "\n", func(m OpsManager) bool { return m.TeamOf(&m.Orgs[0]) == strings.Repeat("é", 100) }},
		"a path like the API's":     {"    timeout: 5s\n", func(m OpsManager) bool { return m.URL.Path == "/api/public/v1.0/om" }},
		"backslashes without quote": {"    tls_config: {ca_file: C:\\Users\\om\\ca.pem}\n", func(m OpsManager) bool { return strings.HasSuffix(m.TLS.settings().CAFile, `C:\Users\om\ca.pem`) }},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Load(writeConfig(t, "ops_managers:\n  - url: https://opsmanager.example.net/api/public/v1.0/om\n    api_key: {public_key: a, private_key: b}\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd}]\n"+tc.settings))
			if (err == nil) != (tc.ok != nil) {
				t.Fatalf("got %v", err)
			}
			if err == nil && !tc.ok(c.OpsManagers[0]) {
				t.Errorf("got:\n%s", c)
			}
		})
	}
}

// Nested aliases refer to more values than fit in memory.
func TestLoadAliasBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("ops_managers:\n  - &a0 {}\n")
	for i := 1; i < 15; i++ {
		fmt.Fprintf(&b, "  - &a%d {<<: [%s]}\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 50), ", "))
	}
	file := writeConfig(t, b.String())
	wait.Growing(t, 5*time.Second, func(limit time.Duration) error {
		begun := time.Now()
		_, err := Load(file)
		if err == nil || !strings.Contains(err.Error(), "contains more than 500000 values: use fewer aliases") {
			t.Errorf("got %.200v", err)
		}
		if took := time.Since(begun); took > limit {
			return fmt.Errorf("took %s", took)
		}
		return nil
	})
}

// manyOrgs returns a configuration with n organizations, each with its own key.
func manyOrgs(n int) string {
	var b strings.Builder
	b.WriteString("ops_managers:\n  - url: https://opsmanager.example.net\n    orgs:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - id: %024x\n        name: Org %d\n        api_key: {public_key_file: %d.pub, private_key_file: %d.key}\n", i, i, i, i)
	}
	return b.String()
}

func TestLoadManyOrgs(t *testing.T) {
	if got := len(mustLoad(t, writeConfig(t, manyOrgs(10_000))).OpsManagers[0].Orgs); got != 10_000 {
		t.Errorf("%d orgs", got)
	}
}

func BenchmarkLoad10000Orgs(b *testing.B) {
	file := writeConfig(b, manyOrgs(10_000))
	for b.Loop() {
		mustLoad(b, file)
	}
}
