package deploy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
)

const (
	demoOrgs     = 8
	demoReadable = 3
)

// Both ways of scraping, the one in the shipped file and the one in its comments, give
// one state for each organization of the demo and no alerts about the exporter.
func TestScrapeConfiguration(t *testing.T) {
	shipped := testfile.Read(t, "prometheus/prometheus.yml")
	head, _, ok := strings.Cut(shipped, "  # One scrape for all")
	_, probe, okToo := strings.Cut(shipped, "\n  # - ")
	if !ok || !okToo {
		t.Fatal("the two ways are not there")
	}
	tests := []struct {
		name, config string
		up           float64 // targets of the job opsmanager
	}{
		{name: "one scrape for all", config: shipped, up: 1},
		{name: "one scrape for each", config: head + strings.ReplaceAll("\n  # - "+probe, "\n  # ", "\n  "), up: demoOrgs},
	}
	binary := realprometheus.Build(t)
	for _, suite := range realprometheus.Suites() {
		for _, test := range tests {
			t.Run(suite.Name+"/"+test.name, func(t *testing.T) {
				realprogram.Need(t, suite.Prometheus)
				t.Parallel()
				demo := realprometheus.StartExporter(t, binary, "demo")
				config := realprometheus.Replace(t, test.config, "scrape_timeout: 15s", "scrape_timeout: 60s")
				config = realprometheus.Replace(t, shorten(config), "localhost:20301", demo.Address)
				prometheus := suite.StartPrometheus(t, config, map[string]string{"alerts.yml": shorten(testfile.Read(t, "prometheus/alerts.yml"))},
					"--query.lookback-delta="+shorten("5m"))
				want := map[string]float64{
					`count(up{job="opsmanager"} == 1)`:                                          test.up,
					`count(org:opsmanager_migration_link_synced:current)`:                       demoReadable,
					`count(org:opsmanager_migration_link:known)`:                                demoOrgs,
					`count(opsmanager_migration_link_info{job="opsmanager"})`:                   demoOrgs,
					`count(count by (instance) (opsmanager_exporter_scrape_timeout_seconds))`:   1,
					`count(ALERTS{alertname="MigrationLinkStatusUnknown", severity="warning"})`: demoOrgs - demoReadable,
				}
				realprogram.Await(t, time.Minute, func() error {
					for expr, value := range want {
						if got := realprometheus.Query(t, prometheus, expr); len(got) != 1 || got[0].Value != value {
							return fmt.Errorf("%s: %v, want %v", expr, got, value)
						}
					}
					// Not OpsManagerExporterScrapeSlow: with shortened times, the organization
					// that never responds uses up the scrape.
					if got := realprometheus.Query(t, prometheus, `ALERTS{alertname=~"OpsManagerExporter(Down|ConfigReloadFailed)|OpsManagerUnreachable"}`); len(got) != 0 {
						return fmt.Errorf("alerts: %v", got)
					}
					return nil
				})
				var answer struct {
					Data struct {
						Groups []struct {
							Rules []struct{ Name, Health, LastError string }
						}
					}
				}
				realprometheus.GetJSON(t, prometheus.URL+"/api/v1/rules", &answer)
				if len(answer.Data.Groups) != 1 {
					t.Fatalf("%d groups of rules", len(answer.Data.Groups))
				}
				for _, rule := range answer.Data.Groups[0].Rules {
					if rule.Health != "ok" {
						t.Errorf("rule %s: %s %s", rule.Name, rule.Health, rule.LastError)
					}
				}
			})
		}
	}
}
