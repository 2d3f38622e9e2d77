package collector

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"opsmanager_exporter/collector/lastgood"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/scheduler"
	"opsmanager_exporter/config"
)

// learned is a Collector with fixed results.
type learned struct {
	Collector
	results Results
}

// Collect implements [prometheus.Collector].
func (l *learned) Collect(ch chan<- prometheus.Metric) { send(ch, l.results, l.targets.orgInfo()) }

// learnedBy returns a Collector with the given results.
func learnedBy(results Results) *learned {
	l := &learned{Collector: Collector{targets: &Targets{}}, results: results}
	for _, r := range results.Orgs {
		l.targets.orgs = append(l.targets.orgs, &organization{config: config.Org{Team: r.Team}})
	}
	return l
}

// Organizations are in the order of their IDs; some names need escaping.
func TestExposition(t *testing.T) {
	t.Parallel()
	read := time.UnixMilli(1795000000500)
	c := learnedBy(Results{
		Orgs: []Result{
			{OrgID: "b", OrgName: "a \"b\" \\ c\nd", OpsManager: "production", Status: opsmanager.NotSynced, Duration: 1500 * time.Millisecond, LastSuccess: read},
			{OrgID: "a", OrgName: "Grüße", OpsManager: "production", Err: &opsmanager.Error{Reason: opsmanager.ReasonRole}, Duration: time.Second, Errors: 3, LastSuccess: read},
			{OrgID: "c", OrgName: "c", OpsManager: "other", Status: opsmanager.Synced, Duration: time.Millisecond},
			{OrgID: "d", OrgName: "a defect", OpsManager: "other", Duration: time.Millisecond}, // neither a status nor an error is unknown
		},
		Servers: []Server{{OpsManager: "production", Version: "8.0.0"}},
	})
	const want = `# HELP opsmanager_info Version that this Ops Manager reports; always 1.
# TYPE opsmanager_info gauge
opsmanager_info{ops_manager="production",version="8.0.0"} 1
# HELP opsmanager_migration_link_info Name of the organization (its ID if none is configured), its Ops Manager and its team, if any; always 1.
# TYPE opsmanager_migration_link_info gauge
opsmanager_migration_link_info{ops_manager="other",org_id="c",org_name="c"} 1
opsmanager_migration_link_info{ops_manager="other",org_id="d",org_name="a defect"} 1
opsmanager_migration_link_info{ops_manager="production",org_id="a",org_name="Grüße"} 1
opsmanager_migration_link_info{ops_manager="production",org_id="b",org_name="a \"b\" \\ c\nd"} 1
# HELP opsmanager_migration_link_last_success_timestamp_seconds Unix timestamp of the last time the status of the migration link was read.
# TYPE opsmanager_migration_link_last_success_timestamp_seconds gauge
opsmanager_migration_link_last_success_timestamp_seconds{org_id="a"} 1.7950000005e+09
opsmanager_migration_link_last_success_timestamp_seconds{org_id="b"} 1.7950000005e+09
# HELP opsmanager_migration_link_scrape_duration_seconds Time that this scrape took to read the status of the migration link or to fail, in seconds.
# TYPE opsmanager_migration_link_scrape_duration_seconds gauge
opsmanager_migration_link_scrape_duration_seconds{org_id="a"} 1
opsmanager_migration_link_scrape_duration_seconds{org_id="b"} 1.5
opsmanager_migration_link_scrape_duration_seconds{org_id="c"} 0.001
opsmanager_migration_link_scrape_duration_seconds{org_id="d"} 0.001
# HELP opsmanager_migration_link_scrape_errors_total Total number of scrapes that could not read the status of the migration link.
# TYPE opsmanager_migration_link_scrape_errors_total counter
opsmanager_migration_link_scrape_errors_total{org_id="a"} 3
opsmanager_migration_link_scrape_errors_total{org_id="b"} 0
opsmanager_migration_link_scrape_errors_total{org_id="c"} 0
opsmanager_migration_link_scrape_errors_total{org_id="d"} 0
# HELP opsmanager_migration_link_scrape_failure_reason Why this scrape could not read the status of the migration link: 1 for the reason that applies, absent on success.
# TYPE opsmanager_migration_link_scrape_failure_reason gauge
opsmanager_migration_link_scrape_failure_reason{org_id="a",reason="role"} 1
opsmanager_migration_link_scrape_failure_reason{org_id="d",reason="bad_response"} 1
# HELP opsmanager_migration_link_scrape_success Whether this scrape read the status of the migration link: 1 for success, 0 for failure.
# TYPE opsmanager_migration_link_scrape_success gauge
opsmanager_migration_link_scrape_success{org_id="a"} 0
opsmanager_migration_link_scrape_success{org_id="b"} 1
opsmanager_migration_link_scrape_success{org_id="c"} 1
opsmanager_migration_link_scrape_success{org_id="d"} 0
# HELP opsmanager_migration_link_synced Status of the migration link to Atlas, as read from the API during this scrape: 1 for SYNCED, 0 for NOT_SYNCED, absent if it could not be read.
# TYPE opsmanager_migration_link_synced gauge
opsmanager_migration_link_synced{org_id="b"} 0
opsmanager_migration_link_synced{org_id="c"} 1
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(c); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

// The label team exists if an organization has a team. A pedantic registry accepts
// the metrics.
func TestTeam(t *testing.T) {
	t.Parallel()
	const head = "# HELP opsmanager_migration_link_info " + orgInfoHelp + "\n# TYPE opsmanager_migration_link_info gauge\n"
	tests := []struct {
		name  string
		teams []string
		want  string
	}{
		{"nobody has one", []string{"", ""}, `opsmanager_migration_link_info{ops_manager="production",org_id="0",org_name="Payments"} 1
opsmanager_migration_link_info{ops_manager="production",org_id="1",org_name="Payments"} 1
`},
		{"all have one", []string{"payments-dba", `a "b" \ c`}, `opsmanager_migration_link_info{ops_manager="production",org_id="0",org_name="Payments",team="payments-dba"} 1
opsmanager_migration_link_info{ops_manager="production",org_id="1",org_name="Payments",team="a \"b\" \\ c"} 1
`},
		{"one of two has one", []string{"", "payments-dba"}, `opsmanager_migration_link_info{ops_manager="production",org_id="0",org_name="Payments",team=""} 1
opsmanager_migration_link_info{ops_manager="production",org_id="1",org_name="Payments",team="payments-dba"} 1
`},
	}
	for _, tt := range tests {
		var results Results
		for i, team := range tt.teams {
			results.Orgs = append(results.Orgs, Result{OrgID: fmt.Sprint(i), OrgName: "Payments", OpsManager: "production", Team: team, Status: opsmanager.Synced})
		}
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(learnedBy(results))
		if err := testutil.GatherAndCompare(reg, strings.NewReader(head+tt.want), "opsmanager_migration_link_info"); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v, %v", tt.name, problems, err)
		}
	}
}

// BenchmarkCollect gathers and encodes the results of a scrape in which every status
// was read.
func BenchmarkCollect(b *testing.B) {
	for _, orgs := range []int{1, 100, 1000, 10000} {
		b.Run(fmt.Sprintf("orgs=%d", orgs), func(b *testing.B) {
			var results Results
			for i := range orgs {
				results.Orgs = append(results.Orgs, Result{
					OrgID: fmt.Sprintf("%024x", i), OrgName: fmt.Sprint("Organization ", i), OpsManager: "production", Status: opsmanager.Synced,
					Duration: 20*time.Millisecond + time.Duration(i)*time.Microsecond, LastSuccess: time.UnixMilli(1795000000000 + int64(i)),
				})
			}
			c := learnedBy(results)
			b.ReportAllocs()
			for b.Loop() {
				reg := prometheus.NewRegistry()
				reg.MustRegister(c)
				if _, err := reg.Gather(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*orgs), "µs/organization")
		})
	}
}

// Histories are in chronological order across reloads, whatever the order in which
// scrapes end.
func TestHistory(t *testing.T) {
	t.Parallel()
	at := func(s int64) time.Time { return time.Unix(1795000000+s, 0) }
	failed := reading{err: &opsmanager.Error{Reason: opsmanager.ReasonTimeout}}
	var h history
	h.add(answer{reading: reading{Reading: opsmanager.Reading{Status: opsmanager.Synced}}, at: at(10)})
	if failures, lastSuccess, news := h.add(answer{reading: failed, at: at(5)}); failures != 1 || !lastSuccess.Equal(at(10)) || news != newsNone {
		t.Errorf("an older failure: %d failures, last success %s, news %d", failures, lastSuccess, news)
	}
	if h.last.err != nil || h.last.Status != opsmanager.Synced {
		t.Errorf("an older failure replaces a newer status: %+v", h.last)
	}
	if failures, _, news := h.add(answer{reading: failed, at: at(20)}); failures != 2 || news != newsUnknown {
		t.Errorf("a newer failure: %d failures, news %d", failures, news)
	}
	if _, lastSuccess, _ := h.add(answer{reading: reading{Reading: opsmanager.Reading{Status: opsmanager.Synced}}, at: at(15)}); !lastSuccess.Equal(at(15)) {
		t.Errorf("last success %s, want the newer of two", lastSuccess)
	}
	if _, lastSuccess, _ := h.add(answer{reading: reading{Reading: opsmanager.Reading{Status: opsmanager.Synced}}, at: at(12)}); !lastSuccess.Equal(at(15)) {
		t.Errorf("last success %s, want the newest of three", lastSuccess)
	}
}

// What goes on failing is logged at debug level, with all organizations.
func TestLogOfDebug(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	e := NewExporter(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), "test")
	defer e.Close()
	m := config.OpsManager{
		Name: "production", URL: mustParse(t, "http://127.0.0.1:1"), Timeout: time.Minute, MaxConcurrentRequests: 1,
		Credentials: &config.Credentials{Public: config.Half{Text: config.NewSecret("a")}, Private: config.Half{Text: config.NewSecret("b")}},
	}
	var ids []string
	for i := range manyAlike + 1 {
		ids = append(ids, fmt.Sprint("org", i))
		m.Orgs = append(m.Orgs, config.Org{ID: ids[i]})
	}
	e.Apply(&config.Config{OpsManagers: []config.OpsManager{m}})
	for _, want := range []string{`level=WARN msg="Migration link status is unknown" organizations=6 for_example=org0 `, `level=DEBUG msg="Migration link status is still unknown" organizations=6 for_example=org0 `} {
		log.Reset()
		e.Targets().Poll(t.Context(), nil)
		if all := fmt.Sprintf(`level=DEBUG msg="All organizations affected by this" org_ids="%v"`, ids); !strings.Contains(log.String(), want) || !strings.Contains(log.String(), all) {
			t.Errorf("no %s, or no %s, in\n%s", want, all, log.String())
		}
	}
}

// A state has lasted since it was first seen, or at least since then if the previous
// state is not known.
func TestSince(t *testing.T) {
	t.Parallel()
	synced, notSynced := reading{Reading: opsmanager.Reading{Status: opsmanager.Synced}}, reading{Reading: opsmanager.Reading{Status: opsmanager.NotSynced}}
	timeout, role := reading{err: &opsmanager.Error{Reason: opsmanager.ReasonTimeout}}, reading{err: &opsmanager.Error{Reason: opsmanager.ReasonRole}}
	tests := []struct {
		name    string
		polls   []reading // one a second; after an empty one nobody polls for longer than maxGap
		since   int64
		atLeast bool
	}{
		{"down at the first poll", []reading{notSynced}, 0, true},
		{"up at the first poll", []reading{synced, synced}, 0, true},
		{"unknown at the first poll", []reading{role, role, role}, 0, true},
		{"went down", []reading{synced, synced, notSynced, notSynced}, 2, false},
		{"came up", []reading{notSynced, synced}, 1, false},
		{"became unknown", []reading{notSynced, role, role}, 1, false},
		{"unknown for another reason", []reading{timeout, role, role}, 1, false},
		{"down after it was unknown", []reading{synced, timeout, notSynced, notSynced}, 2, true},
		{"up after it was unknown", []reading{synced, timeout, synced}, 2, true},
		{"went down later", []reading{timeout, synced, notSynced}, 2, false},
		{"went down while nobody looked", []reading{synced, {}, notSynced, notSynced}, 302, true},
		{"became unknown while nobody looked", []reading{synced, {}, role}, 302, true},
		{"down before and after nobody looked", []reading{synced, notSynced, {}, notSynced}, 1, false},
	}
	for _, tt := range tests {
		var h history
		var gap time.Duration
		for i, r := range tt.polls {
			if r == (reading{}) {
				gap = maxGap
				continue
			}
			h.add(answer{reading: r, at: time.Unix(int64(i), 0).Add(gap)})
		}
		if h.since.Unix() != tt.since || h.atLeast != tt.atLeast {
			t.Errorf("%s: since %d, at least %t, want %d and %t", tt.name, h.since.Unix(), h.atLeast, tt.since, tt.atLeast)
		}
	}
}

// After a change of the poll timeout, polls wait for files accordingly, and what two
// targets share is not modified.
func TestTargetsShareFiles(t *testing.T) {
	t.Parallel()
	e := NewExporter(slog.New(slog.DiscardHandler), "test")
	defer e.Close()
	settings := config.OpsManager{Name: "production", URL: mustParse(t, "https://127.0.0.1:1"), Timeout: 400 * time.Millisecond, MaxConcurrentRequests: 1}
	before := e.newTarget(settings, nil)
	if err := before.refreshTLS(); err != nil {
		t.Fatal(err)
	}
	settings.Timeout = 40 * time.Second
	after := e.newTarget(settings, before)
	if after.tls != before.tls || after.tlsConfig != before.tlsConfig || after.tlsConfig == nil {
		t.Error("the same files are read apart, or the TLS sessions are lost")
	}
	if got := after.patience(); got != 10*time.Second {
		t.Errorf("patience %s, want 10s", got)
	}
	settings.URL = mustParse(t, "https://127.0.0.2:1")
	if other := e.newTarget(settings, after); other.tlsConfig != nil {
		t.Error("TLS sessions with another server are taken over")
	}

	material := &config.TLSMaterial{Config: &tls.Config{MinVersion: tls.VersionTLS12}, Fingerprint: [32]byte{1}}
	after.tls = lastgood.New(func() (*config.TLSMaterial, error) { return material, nil }, after.reads, e.logger)
	if err := after.refreshTLS(); err != nil {
		t.Fatal(err)
	}
	if material.Config.ClientSessionCache != nil || after.tlsConfig == material.Config {
		t.Error("the material that targets share was written to")
	}
	used := after.tlsConfig
	if err := after.refreshTLS(); err != nil || after.tlsConfig != used {
		t.Errorf("%v: the same files, and new connections", err)
	}
}

// How the outcome of a poll affects the order of the next ones.
func TestOutcome(t *testing.T) {
	t.Parallel()
	if got := outcomeOf(nil); got != scheduler.Answered {
		t.Errorf("a status: %d", got)
	}
	for _, reason := range opsmanager.Reasons() {
		want := scheduler.Answered
		switch reason {
		case opsmanager.ReasonTimeout:
			want = scheduler.TimedOut
		case opsmanager.ReasonRateLimited:
			want = scheduler.Refused
		}
		if got := outcomeOf(&opsmanager.Error{Reason: reason}); got != want {
			t.Errorf("%s: %d, want %d", reason, got, want)
		}
	}
}

// Each Ops Manager of a configuration continues at most one of the previous
// configuration, by name or else by URL.
func TestPredecessors(t *testing.T) {
	t.Parallel()
	manager := func(name, url string) config.OpsManager { return config.OpsManager{Name: name, URL: mustParse(t, url)} }
	old := &Targets{list: []*target{{settings: manager("a", "https://u")}, {settings: manager("b", "https://v")}}}
	tests := []struct {
		name string
		next []config.OpsManager
		want []string
	}{
		{"the same", []config.OpsManager{manager("b", "https://v"), manager("a", "https://u")}, []string{"b", "a"}},
		{"another URL", []config.OpsManager{manager("a", "https://w")}, []string{"a"}},
		{"renamed", []config.OpsManager{manager("c", "https://u"), manager("b", "https://v")}, []string{"a", "b"}},
		{"split in two", []config.OpsManager{manager("c", "https://u"), manager("d", "https://u")}, []string{"a", ""}},
		{"the name counts more", []config.OpsManager{manager("c", "https://u"), manager("a", "https://u")}, []string{"", "a"}},
	}
	for _, tt := range tests {
		for i, got := range old.predecessors(&config.Config{OpsManagers: tt.next}) {
			name := ""
			if got != nil {
				name = got.settings.Name
			}
			if name != tt.want[i] {
				t.Errorf("%s: %s continues %q, want %q", tt.name, tt.next[i].Name, name, tt.want[i])
			}
		}
	}
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
