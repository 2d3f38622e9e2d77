package orgs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/leaks"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/config"
)

// The secrets of these tests, which must never be printed.
const (
	publicKey  = "jkqmzxvt"
	privateKey = "4f7c1f0e-7d0a-4b8f-9a3c-2f5d8e6b1c90"
)

func TestMain(m *testing.M) { os.Exit(leaks.Run(m, 8)) }

// simulate starts an Ops Manager with the key and that many organizations for it.
func simulate(t testing.TB, n int) *simulator.Server {
	t.Helper()
	s := simulated.Server(t, simulator.Options{})
	s.SetKey(publicKey, privateKey)
	for i := range n {
		s.SetOrg(simulated.OrgID(i), simulator.Org{Name: fmt.Sprintf("Team %d", i), Keys: []string{publicKey}})
	}
	return s
}

// keyOf returns an inline API key.
func keyOf(public string) string {
	return "api_key: {public_key: " + public + ", private_key: " + privateKey + "}"
}

// manager returns the configuration of one Ops Manager with the API key and organizations,
// each a mapping in flow style.
func manager(name, url string, orgs ...string) string {
	return managerWith(name, url, keyOf(publicKey), orgs...)
}

func managerWith(name, url, settings string, orgs ...string) string {
	s := "  - name: " + name + "\n    url: " + url + "\n"
	if !strings.Contains(settings, "timeout: ") {
		s += "    timeout: 1m\n" // the machine may be slow
	}
	if settings != "" {
		s += "    " + settings + "\n"
	}
	s += "    orgs:\n"
	for _, o := range orgs {
		s += "      - " + o + "\n"
	}
	return s
}

// org returns an organization with its other settings.
func org(i int, settings ...string) string {
	return "{" + strings.Join(append([]string{"id: " + simulated.OrgID(i)}, settings...), ", ") + "}"
}

// outcome is the output and error of a run.
type outcome struct {
	config         string // text of the configuration file
	stdout, stderr string
	err            error
}

// run runs the command and fails the test if its output or error contains a secret or a
// control character.
func run(ctx context.Context, t testing.TB, asJSON bool, managers ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	text := "ops_managers:\n" + strings.Join(managers, "")
	o := Options{
		File: testfile.New(t, "opsmanager.yml", text), JSON: asJSON, Stdout: &stdout, Stderr: &stderr,
		Exporter: collector.NewExporter(slog.New(slog.DiscardHandler), "test"),
	}
	defer o.Exporter.Close()
	err := Run(ctx, o)
	got := outcome{text, stdout.String(), withoutWarnings(stderr.String()), err}
	all := strings.ToLower(fmt.Sprintf("%s\n%s\n%v\n%+v\n%#v", got.stdout, got.stderr, err, err, err))
	for _, secret := range []string{publicKey, privateKey, "s3cr3t"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q shows in:\n%s", secret, all)
		}
	}
	for _, r := range all {
		if r < ' ' && r != '\n' {
			t.Errorf("a control character shows in %q", all)
		}
	}
	return got
}

// withoutWarnings removes the warning about http://, which all of these tests use.
func withoutWarnings(stderr string) string {
	return regexp.MustCompile(`(?m)^warning: .* is not encrypted.*\n`).ReplaceAllString(stderr, "")
}

// want fails the test unless the error has this text; "" means no error.
func (o outcome) want(t testing.TB, text string) {
	t.Helper()
	got := ""
	if o.err != nil {
		got = o.err.Error()
	}
	if got != text {
		t.Errorf("error %q, want %q; standard error:\n%s", got, text, o.stderr)
	}
}

// body returns the YAML without its heading, and with ports masked.
func (o outcome) body() string {
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(strings.TrimPrefix(o.stdout, heading), "HOST:PORT")
}

// pasted adds the printed organizations of each Ops Manager to those of the configuration,
// whose orgs must come last, as a user does, and loads the result.
func (o outcome) pasted(t testing.TB) *config.Config {
	t.Helper()
	var document struct {
		OpsManagers []map[string]any `yaml:"ops_managers"`
	}
	if err := yaml.Unmarshal([]byte(o.stdout), &document); err != nil {
		t.Fatalf("%v in:\n%s", err, o.stdout)
	}
	configured := strings.Split(o.config, "  - name: ")
	printed := strings.Split(o.stdout, "\n  - name: ")
	if len(configured) != len(printed) {
		t.Fatalf("%d Ops Managers, configured are %d", len(printed)-1, len(configured)-1)
	}
	text := configured[0]
	for i := 1; i < len(configured); i++ {
		_, orgs, _ := strings.Cut(printed[i], "\n    orgs:")
		text += "  - name: " + configured[i] + strings.TrimPrefix(orgs, " []")
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
	}
	cfg, err := config.Load(testfile.New(t, "pasted.yml", text))
	if err != nil {
		t.Fatalf("%v in:\n%.3000s", err, text)
	}
	return cfg
}

func decoded(t testing.TB, text string) []record {
	t.Helper()
	var records []record
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&records); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return records
}
