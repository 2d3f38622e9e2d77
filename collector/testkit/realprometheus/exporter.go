package realprometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/realprogram"
)

// Build builds the exporter with version "test" and returns its path. It skips the test
// if no Prometheus is installed.
func Build(tb testing.TB) string {
	tb.Helper()
	ci.Long(tb)
	if !slices.ContainsFunc(Suites(), func(s Suite) bool { _, err := os.Stat(s.Prometheus); return err == nil }) {
		ci.Missing(tb, "Prometheus")
	}
	binary := filepath.Join(tb.TempDir(), "opsmanager_exporter")
	cmd := exec.CommandContext(tb.Context(), "go", "build",
		"-ldflags=-X github.com/prometheus/common/version.Version=test", "-o", binary, ".")
	cmd.Dir = root()
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("build the exporter: %v\n%s", err, out)
	}
	return binary
}

// StartExporter starts an exporter built by [Build].
func StartExporter(tb testing.TB, binary string, args ...string) *Process {
	tb.Helper()
	return StartExporterAt(tb, realprogram.FreeAddress(tb), binary, args...)
}

// StartExporterAt starts an exporter at an address.
func StartExporterAt(tb testing.TB, address, binary string, args ...string) *Process {
	tb.Helper()
	return start(tb, address, binary, append(args, "--web.listen-address="+address)...)
}
