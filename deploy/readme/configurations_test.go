package readme_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"opsmanager_exporter/collector/check"
	"opsmanager_exporter/collector/listener/webconfig"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
)

// Every configuration in a page is accepted by its program.
func TestConfigurations(t *testing.T) {
	for _, p := range pages(t, root) {
		for _, b := range p.blocks {
			load := b.loader()
			if load == nil {
				continue
			}
			t.Run(b.String(), func(t *testing.T) {
				t.Parallel()
				if err := load(t, b.text); err != nil {
					t.Errorf("%v\n%s", err, b.text)
				}
			})
		}
	}
}

// loader returns a function that loads a block, or nil if it is not a configuration. The
// keys of a YAML block determine its program.
func (b block) loader() func(*testing.T, string) error {
	switch b.language {
	case "ini":
		return loadDropIn
	case "promql":
		return loadQuery
	case "json":
		return loadJSON
	case "yaml":
	default:
		return nil
	}
	var document map[string]any
	if err := yaml.Unmarshal([]byte(b.text), &document); err != nil {
		return func(*testing.T, string) error { return fmt.Errorf("write a whole document: %w", err) }
	}
	for _, reader := range []struct {
		keys []string
		load func(*testing.T, string) error
	}{
		{[]string{"ops_managers"}, loadExporter},
		{[]string{"scrape_configs", "global", "rule_files", "alerting"}, loadPrometheus},
		{[]string{"groups"}, loadRules},
		{[]string{"tls_server_config", "basic_auth_users", "http_server_config"}, loadListener},
		{[]string{"route", "receivers"}, loadAlertmanager},
		{[]string{"services"}, loadCompose},
	} {
		for _, key := range reader.keys {
			if _, ok := document[key]; ok {
				return reader.load
			}
		}
	}
	if strings.HasPrefix(b.page, "deploy/helm/") {
		return loadChart
	}
	return func(*testing.T, string) error { return errors.New("no program reads a document with these keys") }
}

func loadExporter(t *testing.T, text string) error {
	var out bytes.Buffer
	if err := check.Run(t.Context(), check.Options{File: write(t, text), Stdout: &out, Stderr: &out}); err != nil {
		return err
	}
	if strings.Contains(out.String(), "warning") {
		return errors.New(out.String())
	}
	return nil
}

func loadListener(t *testing.T, text string) error {
	_, err := webconfig.Open(t.Context(), write(t, text), slog.New(slog.DiscardHandler))
	return err
}

func loadPrometheus(t *testing.T, text string) error {
	return run(t, realprometheus.Newest().Promtool, "check", "config", write(t, text))
}

func loadRules(t *testing.T, text string) error {
	return run(t, realprometheus.Newest().Promtool, "check", "rules", write(t, text))
}

func loadQuery(t *testing.T, text string) error {
	rules, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{
		"name": "query", "rules": []any{map[string]string{"record": "x", "expr": text}},
	}}})
	if err != nil {
		return err
	}
	return loadRules(t, string(rules))
}

func loadAlertmanager(t *testing.T, text string) error {
	return run(t, realprometheus.Newest().Amtool, "check-config", write(t, text))
}

func loadCompose(t *testing.T, text string) error {
	// An override file for compose.yml.
	return run(t, filepath.Join(root, ".bin/compose"), filepath.Join(root, "deploy/compose/compose.yml"), write(t, text))
}

func loadChart(t *testing.T, text string) error {
	chart := filepath.Join(root, "deploy/helm/opsmanager-exporter")
	return run(t, filepath.Join(root, ".bin/helm"), "template", "test", chart, "--values="+write(t, text))
}

// loadDropIn verifies a drop-in of opsmanager_exporter.service with systemd.
func loadDropIn(t *testing.T, text string) error {
	unit := testfile.Read(t, filepath.Join(root, "deploy/systemd/opsmanager_exporter.service"))
	file := testfile.New(t, "opsmanager_exporter.service", realprometheus.Replace(t, unit, "ExecStart=/usr/bin/opsmanager_exporter", "ExecStart=/bin/true"))
	if err := os.Mkdir(file+".d", 0o700); err != nil {
		return err
	}
	testfile.Write(t, filepath.Join(file+".d", "override.conf"), text)
	return run(t, realprogram.Find(t, "systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", file)
}

func loadJSON(_ *testing.T, text string) error {
	if !json.Valid([]byte(text)) {
		return errors.New("no JSON")
	}
	return nil
}

// run runs a program that loads a configuration.
func run(t *testing.T, program string, args ...string) error {
	if out, err := realprogram.Run(t, program, args...); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, out)
	}
	return nil
}

// named finds the files that a configuration refers to.
var named = regexp.MustCompile(`(?m)(\w+_file): *"?([\w./-]+)`)

// write writes a configuration into a new directory, with the files that it refers to,
// including those with absolute paths.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	ca := authority.New(t)
	cert, key := authority.PEM(t, ca.Issue(t))
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		file := filepath.Join(dir, m[2])
		if filepath.IsAbs(m[2]) {
			text = strings.ReplaceAll(text, m[2], file)
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		content := map[string]string{"ca_file": ca.PEM(), "client_ca_file": ca.PEM(), "cert_file": cert, "key_file": key}[m[1]]
		if content == "" {
			content = "a-key-for-tests\n"
		}
		testfile.Write(t, file, content)
	}
	// The rule files of the project.
	if strings.Contains(text, "rule_files:") {
		testfile.Write(t, filepath.Join(dir, "alerts.yml"), testfile.Read(t, filepath.Join(root, "deploy/prometheus/alerts.yml")))
	}
	file := filepath.Join(dir, "configuration.yml")
	testfile.Write(t, file, text)
	return file
}

// A broken block is rejected by its program.
func TestBrokenConfigurations(t *testing.T) {
	for name, tt := range map[string]struct{ page, language, text, want string }{
		"a list":              {"README.md", "yaml", "- job_name: x\n", "write a whole document"},
		"unknown keys":        {"README.md", "yaml", "a: 1\n", "no program reads a document with these keys"},
		"exporter":            {"README.md", "yaml", "ops_managers: [{url: https://opsmanager.example.net}]\n", "orgs"},
		"exporter, a warning": {"README.md", "yaml", "ops_managers:\n  - url: http://opsmanager.example.net\n    api_key: {public_key: jkqmzxvt, private_key_file: key}\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd}]\n", "warning"},
		"Prometheus":          {"README.md", "yaml", "scrape_configs: [{job_nam: x}]\n", "job_nam"},
		"rules":               {"README.md", "yaml", "groups: [{name: x, rules: [{record: x, expr: sum(}]}]\n", "expr"},
		"listener":            {"README.md", "yaml", "basic_auth_users: {prometheus: plain}\n", "bcrypt"},
		"Alertmanager":        {"README.md", "yaml", "route: {receiver: x}\n", "receiver"},
		"compose":             {"README.md", "yaml", "services: {exporter: {readonly: true}}\n", "readonly"},
		"chart":               {"deploy/helm/opsmanager-exporter/README.md", "yaml", "replica: 2\n", "replica"},
		"drop-in":             {"README.md", "ini", "[Service]\nLoadCredentail=x:/x\n", "LoadCredentail"},
		"query":               {"README.md", "promql", "sum(x", "unclosed"},
		"JSON":                {"README.md", "json", "{", "no JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			b := block{page: tt.page, language: tt.language, text: tt.text}
			if err := b.loader()(t, b.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
