// Package chart_test renders the chart with Helm 3 and Helm 4, for each values set in
// its ci directory, and checks the result against the types of Kubernetes and the
// Prometheus Operator, the schemas and Pod Security Standards of Kubernetes, and the
// exporter.
package chart_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	root  = "../../.."
	chart = "../opsmanager-exporter"
	helm  = root + "/.bin/helm"
	helm4 = root + "/.bin/helm4"
)

// need skips the test, or fails it in CI, if a program is absent.
func need(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed; .ci/helm shows how", path)
	}
	t.Skipf("%s is not installed; .ci/helm shows how", path)
}

// run runs a program and returns its output.
func run(t *testing.T, program string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	need(t, program)
	var out, errors strings.Builder
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdout, cmd.Stderr = &out, &errors
	err = cmd.Run()
	return out.String(), errors.String(), err
}

// template renders the chart as release "test" in namespace "monitoring". Both versions
// of Helm must return the same; Helm 4 has more empty lines.
func template(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	args = append([]string{"template", "test", chart, "--namespace=monitoring"}, args...)
	stdout, stderr, err = run(t, helm, args...)
	stdout4, stderr4, _ := run(t, helm4, args...)
	if got, want := dense(stdout4+stderr4), dense(stdout+stderr); got != want {
		t.Errorf("Helm 4 returns\n%s\nHelm 3 returns\n%s", got, want)
	}
	return stdout, stderr, err
}

// dense removes empty lines.
func dense(text string) string { return regexp.MustCompile(`\n\s*\n`).ReplaceAllString(text, "\n") }

// values returns the path of a values set.
func values(name string) string { return filepath.Join(chart, "ci", name+"-values.yaml") }

// render renders a values set, with additional options for Helm, and decodes it.
func render(t *testing.T, name string, args ...string) manifests {
	t.Helper()
	out, problem, err := template(t, append([]string{"--values=" + values(name)}, args...)...)
	if err != nil {
		t.Fatalf("helm template: %v\n%s", err, problem)
	}
	m, err := decode(out)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// forEachSet runs a test for each values set.
func forEachSet(t *testing.T, test func(t *testing.T, name string)) {
	t.Helper()
	files, err := filepath.Glob(values("*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("values sets %q, %v", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), "-values.yaml")
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// write writes a file that only its owner can read, and its parent directories.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace replaces text that must exist.
func replace(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("there is no %q to replace in:\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, replacement)
}
