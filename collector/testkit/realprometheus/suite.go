package realprometheus

import (
	"path/filepath"
	"testing"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/testfile"
)

// Suite holds the paths of a Prometheus, an Alertmanager and their tools.
type Suite struct {
	Name                                       string
	Prometheus, Promtool, Alertmanager, Amtool string
}

// Suites returns the suites that the shipped configurations are tested with: the newest
// versions, built by .ci/run, and the old ones in Debian.
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

// Newest returns the suite of the newest versions.
func Newest() Suite { return Suites()[0] }

// built returns the path of a program built by .ci/run.
func built(name string) string {
	return filepath.Join(root(), ".bin", name)
}

// StartPrometheus starts a Prometheus in a new directory with a configuration and further
// files, keyed by name.
func (s Suite) StartPrometheus(tb testing.TB, config string, files map[string]string, args ...string) *Process {
	tb.Helper()
	realprogram.Need(tb, s.Prometheus)
	dir, address := tb.TempDir(), realprogram.FreeAddress(tb)
	testfile.Write(tb, filepath.Join(dir, "prometheus.yml"), config)
	for name, text := range files {
		testfile.Write(tb, filepath.Join(dir, name), text)
	}
	return start(tb, address, s.Prometheus, append(args,
		"--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address)...)
}

// StartAlertmanager starts an Alertmanager in a new directory with a configuration.
func (s Suite) StartAlertmanager(tb testing.TB, config string) *Process {
	tb.Helper()
	realprogram.Need(tb, s.Alertmanager)
	dir, address := tb.TempDir(), realprogram.FreeAddress(tb)
	testfile.Write(tb, filepath.Join(dir, "alertmanager.yml"), config)
	return start(tb, address, s.Alertmanager,
		"--config.file="+filepath.Join(dir, "alertmanager.yml"), "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--cluster.listen-address=")
}
