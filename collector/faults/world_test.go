package faults_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/testlog"
	"opsmanager_exporter/collector/web"
)

// world is an exporter with its configuration file and a healthy Ops Manager.
type world struct {
	exporter *collector.Exporter
	healthy  *simulator.Server
	orgs     int // of the healthy Ops Manager
	// timeout is the poll timeout; the scrape timeout is four times as long.
	timeout time.Duration
	url     string
	file    string
	log     testlog.Buffer
}

// offset is subtracted from the scrape timeout, like --scrape.timeout-offset.
const offset = 500 * time.Millisecond

func newWorld(t *testing.T, orgs int) *world {
	t.Helper()
	w := &world{orgs: orgs, timeout: pollTimeout, file: filepath.Join(t.TempDir(), "opsmanager.yml"), healthy: scene{T: t}.simulate(simulator.Options{})}
	for i := range orgs {
		w.healthy.SetOrg(healthyOrg(i), simulator.Org{Answer: simulator.Status(healthyStatus(i))})
	}
	w.exporter = collector.NewExporter(slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), "test")
	t.Cleanup(w.exporter.Close)
	server := httptest.NewServer(web.New(web.Options{Exporter: w.exporter, Logger: slog.New(slog.DiscardHandler), TimeoutOffset: offset}))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func healthyStatus(i int) string { return []string{"SYNCED", "NOT_SYNCED"}[i%2] }

func healthyState(i int) string { return []string{"1", "0"}[i%2] }

// manager returns the configuration of an Ops Manager with organizations.
func manager(name string, tt target, orgs ...string) string {
	key := inlineKey
	if tt.key != "" {
		key = tt.key
	}
	var b strings.Builder
	setting := "api_key"
	if tt.account {
		setting, key = "service_account", strings.NewReplacer("public_key:", "client_id:", "public_key_file:", "client_id_file:", "private_key:", "client_secret:", "private_key_file:", "client_secret_file:").Replace(key)
	}
	fmt.Fprintf(&b, "  - name: %q\n    url: %q\n    %s: %s\n    timeout: %s\n", name, tt.url, setting, key, patient)
	for line := range strings.Lines(tt.settings) {
		fmt.Fprintf(&b, "    %s\n", strings.TrimSuffix(line, "\n"))
	}
	b.WriteString("    orgs:\n")
	for _, org := range orgs {
		fmt.Fprintf(&b, "      - id: %q\n", org)
	}
	return b.String()
}

const (
	// patient is the poll timeout if no poll should time out.
	patient = time.Minute
	// pollTimeout is the usual poll timeout if polls hang.
	pollTimeout = time.Second
)

// within sets the poll timeout of the Ops Managers of a configuration.
func within(timeout time.Duration, configuration string) string {
	return strings.ReplaceAll(configuration, fmt.Sprintf("    timeout: %s\n", patient), fmt.Sprintf("    timeout: %s\n", timeout))
}

func ids(n int, id func(int) string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = id(i)
	}
	return all
}

// load applies a configuration with the healthy Ops Manager, further organizations of it,
// and other Ops Managers.
func (w *world) load(t *testing.T, further []string, others ...string) {
	t.Helper()
	text := "ops_managers:\n" +
		manager("healthy", target{url: w.healthy.URL(), settings: "max_concurrent_requests: 64"}, append(ids(w.orgs, healthyOrg), further...)...) +
		strings.Join(others, "")
	testfile.Write(t, w.file, within(w.timeout, text))
	if err := w.exporter.Load(w.file); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// scrape scrapes /metrics and returns the samples. It fails the test unless all healthy
// organizations have the correct status, and the response arrives within the scrape
// timeout.
func (w *world) scrape(t *testing.T) exposition.Samples {
	t.Helper()
	s, err := w.tryScrape(t)
	if err != nil {
		t.Error(err)
	}
	return s
}

// tryScrape is scrape for a machine that may be too slow for the timeout.
func (w *world) tryScrape(t *testing.T) (exposition.Samples, error) {
	t.Helper()
	timeout := 4 * w.timeout
	begun := time.Now()
	s, err := exposition.Scrape(t.Context(), w.url+"/metrics", timeout)
	if err != nil {
		return nil, err
	}
	if took := time.Since(begun); took > timeout {
		return s, fmt.Errorf("a scrape with %s of time took %s", timeout, took)
	}
	for i := range w.orgs {
		if got := s.State(t, healthyOrg(i)); got != healthyState(i) {
			return s, fmt.Errorf("healthy organization %d: got %s, want %s", i, got, healthyState(i))
		}
	}
	return s, nil
}
