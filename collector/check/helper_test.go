package check

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/testfile"
)

var update = flag.Bool("update", false, "write the golden files")

// The secrets of these tests, which must never be printed.
const (
	publicKey     = "jkqmzxvt"
	privateKey    = "4f7c1f0e-7d0a-4b8f-9a3c-2f5d8e6b1c90"
	proxyUser     = "pr0xy-us3r"
	proxyPassword = "pr0xy-s3cr3t"
)

func orgID(i int) string { return fmt.Sprintf("5f1e9c2b8d3a4e00%08x", i) }

// simulate starts an Ops Manager with the key and one organization for each answer.
func simulate(t testing.TB, o simulator.Options, answers ...simulator.Answer) *simulator.Server {
	t.Helper()
	s, err := simulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.SetKey(publicKey, privateKey)
	for i, a := range answers {
		s.SetOrg(orgID(i), simulator.Org{Answer: a})
	}
	return s
}

// manager returns the configuration of one Ops Manager with n organizations.
// Each setting is one line.
func manager(name, url string, n int, settings ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - name: %s\n    url: %s\n", name, url)
	fmt.Fprintf(&b, "    api_key: {public_key: %s, private_key: %s}\n", publicKey, privateKey)
	for _, s := range settings {
		fmt.Fprintf(&b, "    %s\n", s)
	}
	fmt.Fprintf(&b, "    orgs:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - id: %s\n", orgID(i))
	}
	return b.String()
}

// configuration writes a configuration file for the Ops Managers.
func configuration(t testing.TB, managers ...string) string {
	t.Helper()
	return testfile.New(t, "opsmanager.yml", "ops_managers:\n"+strings.Join(managers, ""))
}

// trusting returns settings that trust only the authority.
func trusting(t testing.TB, ca *authority.Authority) string {
	t.Helper()
	return "tls_config: {ca_file: " + ca.File(t) + "}"
}

// trustingAs returns such settings with a client certificate issued by issuer.
func trustingAs(t testing.TB, ca, issuer *authority.Authority) string {
	t.Helper()
	cert, key := authority.Files(t, issuer.Issue(t, authority.Client))
	return "tls_config: {ca_file: " + ca.File(t) + ", cert_file: " + cert + ", key_file: " + key + "}"
}

// outcome is the output and error of a run.
type outcome struct {
	stdout, stderr string
	err            error
}

// run runs the check and fails the test if its output or error contains a secret.
func run(ctx context.Context, t testing.TB, o Options) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	o.Stdout, o.Stderr = &stdout, &stderr
	o.Exporter = collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	defer o.Exporter.Close()
	err := Run(ctx, o)
	got := outcome{stdout.String(), stderr.String(), err}
	all := strings.ToLower(fmt.Sprintf("%s\n%s\n%v\n%+v\n%#v", got.stdout, got.stderr, err, err, err))
	for _, secret := range []string{publicKey, privateKey, "s3cr3t", proxyUser, proxyPassword} {
		if strings.Contains(all, strings.ToLower(secret)) {
			t.Errorf("%q shows in:\n%s", secret, all)
		}
	}
	for _, r := range all {
		if r < ' ' && r != '\n' && r != '\r' {
			t.Errorf("a control character shows in %q", all)
		}
	}
	return got
}

// want fails the test unless the error has this text; "" means no error.
func (o outcome) want(t testing.TB, text string) {
	t.Helper()
	got := ""
	if o.err != nil {
		got = masked(o.err.Error())
	}
	if got != text {
		t.Errorf("error:\n%s\nwant:\n%s", got, text)
	}
}

// masked replaces what differs between runs.
func masked(s string) string {
	for _, m := range [][2]string{
		{`\b\d+\.\d{3}s\b`, "0.000s"},
		{`"duration_seconds": [0-9.e-]+`, `"duration_seconds": 0`},
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"},
		{`"?/[^" ]*/(\w+\.(yml|pem|key))"?`, "DIR/$1"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC`, "TIME"},
	} {
		s = regexp.MustCompile(m[0]).ReplaceAllString(s, m[1])
	}
	return s
}

// golden compares with a file in testdata.
func golden(t testing.TB, name, got string) {
	t.Helper()
	got = masked(got)
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// decoded decodes the JSON output, which must contain nothing else.
func decoded(t testing.TB, text string) []record {
	t.Helper()
	var records []record
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&records); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Errorf("something follows the array: %v", err)
	}
	return records
}
