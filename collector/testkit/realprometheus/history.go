package realprometheus

import (
	"path/filepath"
	"testing"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/testfile"
)

// WriteHistory backfills a Prometheus data directory with a history in the OpenMetrics text
// format.
func (s Suite) WriteHistory(tb testing.TB, data, history string) {
	tb.Helper()
	s.createBlocks(tb, "openmetrics", "--max-block-duration=168h", testfile.New(tb, "history", history), data)
}

// RecordHistory evaluates a file of recording rules over the history of a Prometheus and
// adds the results to a data directory. A rule does not see the results of other rules in
// the file, nor its own.
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

// StartPrometheusOn starts a Prometheus without scrapes on a data directory. A history has
// no staleness markers, so the lookback delta is only 59 s.
func (s Suite) StartPrometheusOn(tb testing.TB, data string) *Process {
	tb.Helper()
	realprogram.Need(tb, s.Prometheus)
	address, config := realprogram.FreeAddress(tb), testfile.New(tb, "prometheus.yml", "")
	return start(tb, address, s.Prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Clean(data), "--web.listen-address="+address, "--query.lookback-delta=59s")
}
