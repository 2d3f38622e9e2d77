package collector

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"opsmanager_exporter/collector/opsmanager"
)

// Organizations come in the order of their IDs, with names that need escaping,
// and pass the checks that a registry would make.
func TestRender(t *testing.T) {
	t.Parallel()
	read := time.UnixMilli(1795000000500)
	g := gatherer{round: Round{
		Results: []Result{
			{OrgID: "b", OrgName: "a \"b\" \\ c\nd", OpsManager: "production", Status: opsmanager.NotSynced, Duration: 1500 * time.Millisecond, LastSuccess: read},
			{OrgID: "a", OrgName: "Grüße", OpsManager: "production", Err: &opsmanager.Error{Reason: opsmanager.ReasonRole}, Duration: time.Second, Errors: 3, LastSuccess: read},
			{OrgID: "c", OrgName: "c", OpsManager: "other", Status: opsmanager.Synced, Duration: time.Millisecond},
		},
		Servers: []Server{{OpsManager: "production", Version: "8.0.0"}},
	}}
	families, err := prometheus.Gatherers{g}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		f.Help = nil
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	const want = `# TYPE opsmanager_info gauge
opsmanager_info{ops_manager="production",version="8.0.0"} 1
# TYPE opsmanager_migration_link_info gauge
opsmanager_migration_link_info{ops_manager="other",org_id="c",org_name="c"} 1
opsmanager_migration_link_info{ops_manager="production",org_id="a",org_name="Grüße"} 1
opsmanager_migration_link_info{ops_manager="production",org_id="b",org_name="a \"b\" \\ c\nd"} 1
# TYPE opsmanager_migration_link_last_success_timestamp_seconds gauge
opsmanager_migration_link_last_success_timestamp_seconds{org_id="a"} 1.7950000005e+09
opsmanager_migration_link_last_success_timestamp_seconds{org_id="b"} 1.7950000005e+09
# TYPE opsmanager_migration_link_scrape_duration_seconds gauge
opsmanager_migration_link_scrape_duration_seconds{org_id="a"} 1
opsmanager_migration_link_scrape_duration_seconds{org_id="b"} 1.5
opsmanager_migration_link_scrape_duration_seconds{org_id="c"} 0.001
# TYPE opsmanager_migration_link_scrape_errors_total counter
opsmanager_migration_link_scrape_errors_total{org_id="a"} 3
opsmanager_migration_link_scrape_errors_total{org_id="b"} 0
opsmanager_migration_link_scrape_errors_total{org_id="c"} 0
# TYPE opsmanager_migration_link_scrape_failure_reason gauge
opsmanager_migration_link_scrape_failure_reason{org_id="a",reason="role"} 1
# TYPE opsmanager_migration_link_scrape_success gauge
opsmanager_migration_link_scrape_success{org_id="a"} 0
opsmanager_migration_link_scrape_success{org_id="b"} 1
opsmanager_migration_link_scrape_success{org_id="c"} 1
# TYPE opsmanager_migration_link_synced gauge
opsmanager_migration_link_synced{org_id="b"} 0
opsmanager_migration_link_synced{org_id="c"} 1
`
	if got := text.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What is gathered comes in the order of names, as a registry gives it.
func TestGatherOrder(t *testing.T) {
	t.Parallel()
	own := prometheus.NewRegistry()
	own.MustRegister(newTimeoutGauge(time.Second))
	broken := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return nil, errors.New("broken") })
	families, err := gatherer{Round{Results: []Result{{OrgID: "a", Status: opsmanager.Synced}}}, prometheus.Gatherers{own, broken}}.Gather()
	if err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("the error of the rest is lost: %v", err)
	}
	var names []string
	for _, f := range families {
		names = append(names, strings.TrimPrefix(f.GetName(), namespace+"_"))
	}
	const want = "exporter_scrape_timeout_seconds migration_link_info migration_link_scrape_duration_seconds " +
		"migration_link_scrape_errors_total migration_link_scrape_success migration_link_synced"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
