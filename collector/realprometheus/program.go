package realprometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Suite is a Prometheus with its Alertmanager and their tools: paths of
// programs.
type Suite struct {
	Name                                       string
	Prometheus, Promtool, Alertmanager, Amtool string
}

// Suites returns what the configurations for users are tried on: the newest
// programs, as .ci/run builds them, and Debian's old ones.
func Suites() []Suite {
	return []Suite{
		{
			Name:       "newest",
			Prometheus: built("prometheus"), Promtool: built("promtool"),
			Alertmanager: built("alertmanager"), Amtool: built("amtool"),
		},
		{
			Name:       "Debian",
			Prometheus: "/usr/bin/prometheus", Promtool: "/usr/bin/promtool",
			Alertmanager: "/usr/bin/prometheus-alertmanager", Amtool: "/usr/bin/amtool",
		},
	}
}

// Newest returns the suite of the newest programs.
func Newest() Suite { return Suites()[0] }

// built returns where .ci/run builds a program.
func built(name string) string {
	return filepath.Join(root(), ".bin", name)
}

// root returns the folder of the project: the one with go.mod, above the one
// that a test runs in. A module below dashboards/ or deploy/ is not the project.
func root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "main.go")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// Need skips the test, or fails it in CI, if a program is not there.
func Need(tb testing.TB, paths ...string) {
	tb.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			tb.Fatalf("%s is not installed; .ci/run shows how", path)
		}
		tb.Skipf("%s is not installed; .ci/run shows how", path)
	}
}

// Run runs a program to its end and returns what it printed. An exit status
// other than 0 is an error.
func Run(tb testing.TB, binary string, args ...string) (output string, err error) {
	tb.Helper()
	Need(tb, binary)
	out, err := exec.CommandContext(tb.Context(), binary, args...).CombinedOutput()
	return string(out), err
}

// Build builds the exporter, with the version "test", and returns its path.
func Build(tb testing.TB) string {
	tb.Helper()
	binary := filepath.Join(tb.TempDir(), "opsmanager_exporter")
	cmd := exec.CommandContext(tb.Context(), "go", "build",
		"-ldflags=-X github.com/prometheus/common/version.Version=test", "-o", binary, ".")
	cmd.Dir = root()
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build the exporter: %v\n%s", err, out)
	}
	return binary
}

// StartExporter starts an exporter, built by [Build], with these arguments.
func StartExporter(tb testing.TB, binary string, args ...string) *Process {
	tb.Helper()
	return StartExporterAt(tb, FreeAddress(tb), binary, args...)
}

// StartExporterAt starts an exporter at an address.
func StartExporterAt(tb testing.TB, address, binary string, args ...string) *Process {
	tb.Helper()
	return start(tb, address, binary, append(args, "--web.listen-address="+address)...)
}

// StartPrometheus starts a Prometheus in a folder of its own with a configuration,
// and files beside it, by name.
func (s Suite) StartPrometheus(tb testing.TB, config string, files map[string]string, args ...string) *Process {
	tb.Helper()
	Need(tb, s.Prometheus)
	dir, address := tb.TempDir(), FreeAddress(tb)
	write(tb, filepath.Join(dir, "prometheus.yml"), config)
	for name, text := range files {
		write(tb, filepath.Join(dir, name), text)
	}
	return start(tb, address, s.Prometheus, append(args,
		"--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address)...)
}

// StartAlertmanager starts an Alertmanager in a folder of its own with a
// configuration.
func (s Suite) StartAlertmanager(tb testing.TB, config string) *Process {
	tb.Helper()
	Need(tb, s.Alertmanager)
	dir, address := tb.TempDir(), FreeAddress(tb)
	write(tb, filepath.Join(dir, "alertmanager.yml"), config)
	return start(tb, address, s.Alertmanager,
		"--config.file="+filepath.Join(dir, "alertmanager.yml"), "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--cluster.listen-address=")
}

// Replace replaces text that must be there: a test that changes a shipped file
// must not go on with an unchanged one.
func Replace(tb testing.TB, text, old, replacement string) string {
	tb.Helper()
	if !strings.Contains(text, old) {
		tb.Fatalf("there is no %q to replace in:\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, replacement)
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
