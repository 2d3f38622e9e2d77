package realprometheus

import (
	"path/filepath"
	"testing"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/testfile"
)

// WriteHistory adds a history, in the OpenMetrics text format, to a folder of
// Prometheus' data.
func (s Suite) WriteHistory(tb testing.TB, data, history string) {
	tb.Helper()
	s.createBlocks(tb, "openmetrics", "--max-block-duration=168h", testfile.New(tb, "history", history), data)
}

// RecordHistory adds what a file of recording rules makes of the history that a
// Prometheus has to a folder of data. A rule does not see what another one of the
// file records, nor what it recorded itself.
func (s Suite) RecordHistory(tb testing.TB, prometheus *Process, start, end, rules, data string) {
	tb.Helper()
	s.createBlocks(tb, "rules", "--url="+prometheus.URL, "--start="+start, "--end="+end, "--eval-interval=1m", "--max-block-duration=168h", "--output-dir="+data, rules)
}

func (s Suite) createBlocks(tb testing.TB, args ...string) {
	tb.Helper()
	if out, err := realprogram.Run(tb, s.Promtool, append([]string{"tsdb", "create-blocks-from"}, args...)...); err != nil {
		tb.Fatalf("promtool tsdb create-blocks-from %q: %v\n%s", args, err, out)
	}
}

// StartPrometheusOn starts a Prometheus that scrapes nothing on a folder of data.
// A history has no marks where series end, so a sample counts for a minute alone.
func (s Suite) StartPrometheusOn(tb testing.TB, data string) *Process {
	tb.Helper()
	realprogram.Need(tb, s.Prometheus)
	address, config := realprogram.FreeAddress(tb), testfile.New(tb, "prometheus.yml", "")
	return start(tb, address, s.Prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Clean(data), "--web.listen-address="+address, "--query.lookback-delta=59s")
}
