package prometheus_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
)

// The rules do what their tests say, in the newest Prometheus and in an old one.
func TestRules(t *testing.T) {
	for _, suite := range realprometheus.Suites() {
		t.Run(suite.Name, func(t *testing.T) {
			for _, args := range [][]string{
				{"check", "rules", "alerts.yml"},
				{"check", "config", "prometheus.yml"},
				append([]string{"test", "rules"}, ruleTests(t)...),
			} {
				if out, err := realprogram.Run(t, suite.Promtool, args...); err != nil {
					t.Errorf("promtool %s: %v\n%s", strings.Join(args[:2], " "), err, out)
				}
			}
		})
	}
}

func ruleTests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("tests/*.yml")
	if err != nil || len(files) < 6 {
		t.Fatalf("rule tests: %v, %v", files, err)
	}
	return files
}

var broken = flag.Bool("broken", false, "break each rule and see that its tests notice, which takes minutes")

// The tests of the rules notice each rule that is broken, and each threshold
// that is off.
func TestBrokenRules(t *testing.T) {
	if !*broken {
		t.Skip("takes minutes; .ci/run does it with -broken")
	}
	promtool := realprometheus.Newest().Promtool
	realprogram.Need(t, promtool)
	rules := testfile.Read(t, "alerts.yml")
	files := map[string]string{ // by what a case is about
		"reading": "tests/not_synced.yml", "not synced": "tests/not_synced.yml",
		"name": "tests/name.yml", "unknown": "tests/unknown.yml", "flapping": "tests/flapping.yml", "unreachable": "tests/ops_manager.yml",
		"down": "tests/exporter.yml", "reload": "tests/exporter.yml", "slow": "tests/exporter.yml",
	}
	tests := []struct {
		name, old, broken string
		nth               int // occurrence, from 0
	}{
		{name: "reading: the maximum", old: "min by (org_id) (opsmanager_migration_link_synced)", broken: "max by (org_id) (opsmanager_migration_link_synced)"},
		{name: "reading: one for each exporter", old: "min by (org_id) (opsmanager_migration_link_synced)", broken: "opsmanager_migration_link_synced"},
		{name: "reading: forgotten at once", old: "last_over_time(org:opsmanager_migration_link_synced:current[30m])", broken: "org:opsmanager_migration_link_synced:current"},
		{name: "reading: forgotten early", old: "last_over_time(opsmanager_migration_link_synced[15m])", broken: "last_over_time(opsmanager_migration_link_synced[14m])"},
		{name: "reading: forgotten late", old: "last_over_time(opsmanager_migration_link_synced[15m])", broken: "last_over_time(opsmanager_migration_link_synced[16m])"},
		{name: "reading: the lowest of what was read before", old: "last_over_time(org:opsmanager_migration_link_synced:current[30m])", broken: "min_over_time(org:opsmanager_migration_link_synced:current[30m])"},
		{name: "reading: begins anew each time", old: "org:opsmanager_migration_link_not_synced:since and on (org_id) org:opsmanager_migration_link_synced:last == 0\n            or on (org_id) ", broken: ""},
		{name: "reading: does not end", old: "org:opsmanager_migration_link_not_synced:since and on (org_id) org:opsmanager_migration_link_synced:last == 0", broken: "org:opsmanager_migration_link_not_synced:since"},
		{name: "name: changes during an alert", old: `ALERTS{alertname=~"MigrationLink.+"}`, broken: `ALERTS{alertname="none"}`},
		{name: "name: changes while in use", old: "org:opsmanager_migration_link_info:name and on (org_id, org_name, ops_manager) opsmanager_migration_link_info\n", broken: "org:opsmanager_migration_link_info:name < 0\n"},
		{name: "name: two for one organization", old: "topk by (org_id) (1,", broken: "topk by (org_id) (2,"},
		{name: "name: the newest is forgotten", old: "last_over_time(opsmanager_migration_link_info[1h])\n            or on (org_id)\n              # any that was", broken: "last_over_time(opsmanager_migration_link_info[1m])\n            or on (org_id)\n              # any that was"},
		{name: "name: no alert without one", old: "group by (org_id) (org:opsmanager_migration_link_synced:last or opsmanager_migration_link_scrape_success)", broken: "group by (org_id) (org:opsmanager_migration_link_synced:last) < 0"},
		{name: "not synced: a warning early", old: "for: 5m\n        labels:\n          severity: warning", broken: "for: 4m30s\n        labels:\n          severity: warning"},
		{name: "not synced: a warning late", old: "for: 5m\n        labels:\n          severity: warning", broken: "for: 5m30s\n        labels:\n          severity: warning"},
		{name: "not synced: critical early", old: "for: 15m\n        labels:\n          severity: critical", broken: "for: 14m30s\n        labels:\n          severity: critical"},
		{name: "not synced: critical late", old: "for: 15m\n        labels:\n          severity: critical", broken: "for: 15m30s\n        labels:\n          severity: critical"},
		{name: "not synced: critical is a warning", old: "severity: critical", broken: "severity: warning"},
		{name: "not synced: no name", old: "group_left (org_name, ops_manager)", broken: "group_left ()"},
		{name: "not synced: no name when critical", old: "group_left (org_name, ops_manager)", broken: "group_left ()", nth: 1},
		{name: "unknown: no name", old: "group_left (org_name, ops_manager)", broken: "group_left ()", nth: 2},
		{name: "unknown: early", old: "for: 10m", broken: "for: 9m30s"},
		{name: "unknown: late", old: "for: 10m", broken: "for: 10m30s"},
		{name: "unknown: although one exporter reads it", old: "unless on (org_id) org:opsmanager_migration_link_synced:current", broken: `unless on (org_id) opsmanager_migration_link_synced{instance="exporter:20301"}`},
		{name: "unknown: reset by a restart", old: "last_over_time(opsmanager_migration_link_scrape_success[5m])", broken: "opsmanager_migration_link_scrape_success"},
		{name: "unknown: missed long after it is gone", old: "last_over_time(opsmanager_migration_link_scrape_success[5m])", broken: "last_over_time(opsmanager_migration_link_scrape_success[15m])"},
		{name: "unknown: not while the exporter is down", old: "or last_over_time(opsmanager_migration_link_scrape_success[1h]) and on (job, instance) up == 0", broken: ""},
		{name: "unknown: whatever up says", old: " and on (job, instance) up == 0", broken: ""},
		{name: "flapping: 5", old: ">= 6", broken: ">= 5"},
		{name: "flapping: 7", old: ">= 6", broken: ">= 7"},
		{name: "flapping: a longer window", old: "current[1h]", broken: "current[70m]"},
		{name: "flapping: a shorter window", old: "current[1h]", broken: "current[10m]"},
		{name: "flapping: no end", old: "            and on (org_id) org:opsmanager_migration_link_synced:last\n", broken: ""},
		{name: "flapping: no name", old: "group_left (org_name, ops_manager)", broken: "group_left ()", nth: 3},
		{name: "unreachable: by some", old: "0 * group by (ops_manager)", broken: "1 * group by (ops_manager)"},
		{name: "unreachable: by a wrong key", old: "dns|connect|tls|timeout|server_error|not_reached|credentials", broken: "dns|connect|tls|timeout|server_error|not_reached|credentials|unauthorized"},
		{name: "unreachable: prevented by not_reached", old: "server_error|not_reached|credentials", broken: "server_error|credentials"},
		{name: "unreachable: prevented by credentials", old: "server_error|not_reached|credentials", broken: "server_error|not_reached"},
		{name: "unreachable: without dns", old: `{reason=~"dns|connect|tls|timeout|server_error"}`, broken: `{reason=~"connect|tls|timeout|server_error"}`},
		{name: "unreachable: without connect", old: `{reason=~"dns|connect|tls|timeout|server_error"}`, broken: `{reason=~"dns|tls|timeout|server_error"}`},
		{name: "unreachable: without tls", old: `{reason=~"dns|connect|tls|timeout|server_error"}`, broken: `{reason=~"dns|connect|timeout|server_error"}`},
		{name: "unreachable: without timeout", old: `{reason=~"dns|connect|tls|timeout|server_error"}`, broken: `{reason=~"dns|connect|tls|server_error"}`},
		{name: "unreachable: without server_error", old: `{reason=~"dns|connect|tls|timeout|server_error"}`, broken: `{reason=~"dns|connect|tls|timeout"}`},
		{name: "unreachable: reset by a restart", old: "last_over_time(ops_manager:opsmanager_unreachable:current[15m])", broken: "ops_manager:opsmanager_unreachable:current"},
		{name: "unreachable: remembered too long", old: "unreachable:current[15m]", broken: "unreachable:current[20m]"},
		{name: "unreachable: early", old: "for: 5m\n        labels:\n          severity: critical", broken: "for: 4m30s\n        labels:\n          severity: critical"},
		{name: "unreachable: late", old: "for: 5m\n        labels:\n          severity: critical", broken: "for: 5m30s\n        labels:\n          severity: critical"},
		{name: "down: early", old: "for: 5m\n        labels:\n          severity: critical", broken: "for: 4m30s\n        labels:\n          severity: critical", nth: 1},
		{name: "down: late", old: "for: 5m\n        labels:\n          severity: critical", broken: "for: 5m30s\n        labels:\n          severity: critical", nth: 1},
		{name: "down: any job", old: `up{job="opsmanager", instance!~"[0-9a-f]{24}"}) == 0`, broken: `up{instance!~"[0-9a-f]{24}"}) == 0`},
		{name: "down: not when it is", old: `up{job="opsmanager", instance!~"[0-9a-f]{24}"}) == 0`, broken: `up{job="opsmanager", instance!~"[0-9a-f]{24}"}) == 2`},
		{name: "down: each organization", old: `up{job="opsmanager", instance!~"[0-9a-f]{24}"}) == 0`, broken: `up{job="opsmanager"}) == 0`},
		{name: "down: not by its organizations", old: `max by (job) (up{job="opsmanager"}) == 0`, broken: `max by (job) (up{job="opsmanager"}) == 2`},
		{name: "down: by one organization", old: `max by (job) (up{job="opsmanager"}) == 0`, broken: `min by (job) (up{job="opsmanager"}) == 0`},
		{name: "down: twice", old: ` unless on (job) up{job="opsmanager", instance!~"[0-9a-f]{24}"}`, broken: ""},
		{name: "down: not when it is gone", old: "count by (job, instance) (\n", broken: "-1 * count by (job, instance) (\n"},
		{name: "down: when a pod is replaced and half of the organizations are gone", old: "[1h])) / 2", broken: "[1h])) / 4"},
		{name: "down: not when a third is read elsewhere", old: "[1h])) / 2", broken: "[1h])) * 0.7"},
		{name: "down: when an organization is gone", old: "              unless on (job, instance) up\n", broken: ""},
		{name: "down: when an organization scraped by itself is gone", old: `opsmanager_migration_link_info{job="opsmanager", instance!~"[0-9a-f]{24}"}`, broken: `opsmanager_migration_link_info{job="opsmanager"}`},
		{name: "down: when a pod is replaced", old: "              unless on (org_id) opsmanager_migration_link_info\n", broken: ""},
		{name: "down: twice when all are gone", old: "              and on (job) up\n", broken: ""},
		{name: "down: not when all are gone", old: `absent(up{job="opsmanager"})`, broken: `absent(up)`},
		{name: "reload: when it succeeded", old: "config_last_reload_successful[15m])) == 0", broken: "config_last_reload_successful[15m])) == 1"},
		{name: "reload: reset by a missed scrape", old: "last_over_time(opsmanager_exporter_config_last_reload_successful[15m])", broken: "opsmanager_exporter_config_last_reload_successful"},
		{name: "reload: any exporter", old: "min by (instance)", broken: "min by (job)"},
		{name: "reload: early", old: "for: 15m\n        labels:\n          severity: warning", broken: "for: 14m30s\n        labels:\n          severity: warning"},
		{name: "reload: late", old: "for: 15m\n        labels:\n          severity: warning", broken: "for: 15m30s\n        labels:\n          severity: warning"},
		{name: "slow: at 80 %", old: "> 0.8", broken: ">= 0.8"},
		{name: "slow: at 95 %", old: "> 0.8", broken: "> 0.95"},
		{name: "slow: not when Prometheus gives up", old: "last_over_time(opsmanager_exporter_scrape_timeout_seconds[15m])", broken: "opsmanager_exporter_scrape_timeout_seconds"},
		{name: "slow: whatever the reason", old: `{reason="not_reached"}[5m]`, broken: `[5m]`},
		{name: "slow: only without a pause", old: `last_over_time(opsmanager_migration_link_scrape_failure_reason{reason="not_reached"}[5m])`, broken: `opsmanager_migration_link_scrape_failure_reason{reason="not_reached"}`},
		{name: "slow: each organization", old: "count by (instance) (\n            #", broken: "count by (instance, org_id) (\n            #"},
		{name: "slow: each organization scraped by itself", old: `"instance", "", "instance", "[0-9a-f]{24}"`, broken: `"instance", "", "instance", "none"`},
		{name: "slow: early", old: "for: 15m\n        labels:\n          severity: warning", broken: "for: 14m30s\n        labels:\n          severity: warning", nth: 1},
		{name: "slow: late", old: "for: 15m\n        labels:\n          severity: warning", broken: "for: 15m30s\n        labels:\n          severity: warning", nth: 1},
		{name: "not synced: a link without an address", old: `?var-org={{ $labels.org_id }}{{ end }}`, broken: `{{ end }}`},
	}
	for about, file := range files {
		if out, err := testRules(t, promtool, rules, file); err != nil {
			t.Fatalf("%s: not broken yet: %v\n%s", about, err, out)
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			about, _, _ := strings.Cut(test.name, ":")
			if out, err := testRules(t, promtool, replaceNth(t, rules, test.old, test.broken, test.nth), files[about]); err == nil {
				t.Errorf("no rule test notices it:\n%s", out)
			}
		})
	}
}

// testRules runs a file of rule tests on other rules than those beside it.
func testRules(t *testing.T, promtool, rules, file string) (output string, err error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "alerts.yml")
	testfile.Write(t, path, rules)
	if out, err := realprogram.Run(t, promtool, "check", "rules", path); err != nil {
		t.Fatalf("broken rules must be rules: %v\n%s", err, out)
	}
	if err := os.Mkdir(filepath.Join(dir, "tests"), 0o700); err != nil {
		t.Fatal(err)
	}
	testfile.Write(t, filepath.Join(dir, file), testfile.Read(t, file))
	return realprogram.Run(t, promtool, "test", "rules", filepath.Join(dir, file))
}

func replaceNth(t *testing.T, text, old, replacement string, n int) string {
	t.Helper()
	parts := strings.SplitAfterN(text, old, n+2)
	if len(parts) != n+2 {
		t.Fatalf("there is no occurrence %d of %q", n, old)
	}
	parts[n] = strings.TrimSuffix(parts[n], old) + replacement
	return strings.Join(parts, "")
}

// The rules at the top of alerts.yml that name addresses do so once they are
// uncommented.
func TestLinks(t *testing.T) {
	promtool := realprometheus.Newest().Promtool
	realprogram.Need(t, promtool)
	rules := testfile.Read(t, "alerts.yml")
	for _, line := range []string{"- record: opsmanager:dashboard:info", "  expr: vector(1)", "  labels: {url: ", "- record: opsmanager:status_page:info"} {
		rules = realprometheus.Replace(t, rules, "      # "+line, "      "+line)
	}
	dir := t.TempDir()
	files := map[string]string{"alerts.yml": rules, "test.yml": `
rule_files: [alerts.yml]
evaluation_interval: 30s
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="opsmanager", instance="exporter:20301"}', values: 0x20}
    alert_rule_test:
      - eval_time: 6m
        alertname: OpsManagerExporterDown
        exp_alerts:
          - exp_labels: {severity: critical, job: opsmanager, instance: 'exporter:20301'}
            exp_annotations:
              summary: opsmanager_exporter at exporter:20301 is not scraped
              description: >-
                Prometheus has not scraped opsmanager_exporter at exporter:20301 (job opsmanager) for 5 minutes or longer, so nobody would learn
                that a migration link has gone down.
              action: >-
                See that the exporter runs and what it logs, and under Status, Target health in Prometheus why the scrape fails; if there is no
                target, see the scrape configuration and its service discovery.
              dashboard: https://grafana.example.net/d/opsmanager-migration-links
    promql_expr_test:
      - {expr: 'opsmanager:status_page:info', eval_time: 6m, exp_samples: [{labels: 'opsmanager:status_page:info{url="https://opsmanager-exporter.example.net"}', value: 1}]}
`}
	for name, text := range files {
		testfile.Write(t, filepath.Join(dir, name), text)
	}
	if out, err := realprogram.Run(t, promtool, "test", "rules", filepath.Join(dir, "test.yml")); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The words that people are told stand in the code once, for logs and pages.
func TestAction(t *testing.T) {
	if fix := opsmanager.NotSynced.Fix(); !strings.Contains(strings.Join(strings.Fields(testfile.Read(t, "alerts.yml")), " "), "action: >- "+fix) {
		t.Errorf("alerts.yml does not say: %s", fix)
	}
}
