package prometheus_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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
				{"check", "rules", "--lint=all", "--lint-fatal", "alerts.yml"},
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
		"known": "tests/not_synced.yml", "reading": "tests/not_synced.yml", "since": "tests/not_synced.yml", "not synced": "tests/not_synced.yml",
		"labels": "tests/labels.yml", "unknown": "tests/unknown.yml", "flapping": "tests/flapping.yml", "unreachable": "tests/ops_manager.yml",
		"down": "tests/exporter.yml", "reload": "tests/exporter.yml", "slow": "tests/exporter.yml",
	}
	const (
		notSynced  = "org:opsmanager_migration_link_not_synced:since"
		unreadable = "org:opsmanager_migration_link_unknown:since"
		current    = "org:opsmanager_migration_link_synced:current"
		unread     = "org:opsmanager_migration_link:unread"
		removed    = "instance_org:opsmanager_migration_link:removed"
		known      = "org:opsmanager_migration_link:known"
		silent     = "instance_org:opsmanager_migration_link:silent"
		down       = "instance:opsmanager_exporter_down:orgs"
		success    = "opsmanager_migration_link_scrape_success"
		identity   = "group by (org_id, ops_manager, team) "
		warns      = "\n        labels: {severity: warning}"
		pages      = "\n        labels: {severity: critical}"
	)
	tests := []struct {
		name, old, broken string
		nth               int // occurrence, from 0
	}{
		{name: "known: forgotten early", old: "last_over_time(" + success + "[15m])", broken: "last_over_time(" + success + "[14m])"},
		{name: "known: forgotten late", old: "last_over_time(" + success + "[15m])", broken: "last_over_time(" + success + "[16m])"},
		{name: "known: not while its exporter is down", old: "or " + silent + " and on (job, instance) " + down, broken: ""},
		{name: "known: whatever its exporter does", old: silent + " and on (job, instance) " + down, broken: silent},
		{name: "known: for too long", old: "expr: last_over_time(" + success + "[1h])", broken: "expr: last_over_time(" + success + "[70m])"},
		{name: "reading: the maximum", old: "min by (org_id) (opsmanager_migration_link_synced)", broken: "max by (org_id) (opsmanager_migration_link_synced)"},
		{name: "reading: one for each exporter", old: "min by (org_id) (opsmanager_migration_link_synced)", broken: "opsmanager_migration_link_synced"},
		{name: "since: does not end", old: "or 0 * (last_over_time(" + notSynced + "[1h]) != 0 and on (org_id) (" + current + " == 1 or " + removed + "))", broken: ""},
		{name: "since: ends where nothing is scraped", old: "(last_over_time(" + notSynced + "[1h]) != 0 and on (org_id) (" + current + " == 1 or " + removed + "))", broken: "(last_over_time(" + notSynced + "[1h]) != 0)"},
		{name: "since: comes back after a removal", old: "(" + current + " == 1 or " + removed + ")", broken: "(" + current + " == 1)"},
		{name: "since: forgotten in a gap", old: "last_over_time(" + notSynced + "[1h]) != 0 and", broken: "last_over_time(" + notSynced + "[5m]) != 0 and"},
		{name: "since: ends when the status is unknown", old: "(" + current + " == 0 or " + unread + ")", broken: "(" + current + " == 0)"},
		{name: "since: begins anew each time", old: "last_over_time(" + notSynced + "[1h]) != 0 and (" + current + " == 0 or " + unread + ")\n          or ", broken: ""},
		{name: "since: always at least", old: "or time() + (" + current + " == 0) and max_over_time(" + current + "[5m]) == 1", broken: ""},
		{name: "since: never at least", old: "and max_over_time(" + current + "[5m]) == 1", broken: ""},
		{name: "since: a SYNCED of long ago is the beginning", old: "and max_over_time(" + current + "[5m]) == 1", broken: "and max_over_time(" + current + "[15m]) == 1"},
		{name: "not synced: a warning early", old: "for: 5m" + warns, broken: "for: 4m30s" + warns},
		{name: "not synced: a warning late", old: "for: 5m" + warns, broken: "for: 5m30s" + warns},
		{name: "not synced: critical early", old: "for: 15m" + pages, broken: "for: 14m30s" + pages},
		{name: "not synced: critical late", old: "for: 15m" + pages, broken: "for: 15m30s" + pages},
		{name: "not synced: critical is a warning", old: "for: 15m" + pages, broken: "for: 15m" + warns},
		{name: "not synced: no runbook", old: "          runbook_url: https://example.net/opsmanager_exporter/README.md#not_synced\n", broken: ""},
		{name: "labels: change during an alert", old: "last_over_time(ALERTS{alertname=~\"MigrationLink.+\"}[15m])", broken: "last_over_time(ALERTS{alertname=\"none\"}[15m])"},
		{name: "labels: change in a gap during an alert", old: "last_over_time(ALERTS{alertname=~\"MigrationLink.+\"}[15m])", broken: "ALERTS{alertname=~\"MigrationLink.+\"}"},
		{name: "labels: kept after the alert", old: "last_over_time(ALERTS{alertname=~\"MigrationLink.+\"}[15m])", broken: "last_over_time(ALERTS{alertname=~\"MigrationLink.+\"}[1h])"},
		{name: "labels: two for one organization", old: "topk by (org_id) (1,", broken: "topk by (org_id) (2,"},
		{name: "labels: no alert without them", old: "            or on (org_id) group by (org_id) (" + success + ")\n", broken: ""},
		{name: "labels: no team", old: identity + "(opsmanager_migration_link_info)", broken: "group by (org_id, ops_manager) (opsmanager_migration_link_info)"},
		{name: "labels: an Ops Manager has none", old: "group by (ops_manager, team) (" + known + ")", broken: "group by (ops_manager) (" + known + ")"},
		{name: "unknown: a warning early", old: "for: 10m", broken: "for: 9m30s"},
		{name: "unknown: a warning late", old: "for: 10m", broken: "for: 10m30s"},
		{name: "unknown: critical early", old: "for: 30m", broken: "for: 29m30s"},
		{name: "unknown: critical late", old: "for: 30m", broken: "for: 30m30s"},
		{name: "unknown: never critical", old: "for: 30m" + pages, broken: "for: 30m" + warns},
		{name: "unknown: although one exporter reads it", old: "unless on (org_id) " + current, broken: "unless on (org_id) opsmanager_migration_link_synced{instance=\"exporter:20301\"}"},
		{name: "unknown: reset by a restart", old: "and on (org_id) last_over_time(" + success + "[5m])", broken: "and on (org_id) " + success},
		{name: "unknown: missed long after it is gone", old: "and on (org_id) last_over_time(" + success + "[5m])", broken: ""},
		{name: "unknown: since does not end", old: "or 0 * (last_over_time(" + unreadable + "[1h]) != 0 and on (org_id) (" + current + " or " + removed + "))", broken: ""},
		{name: "unknown: since begins anew each time", old: "last_over_time(" + unreadable + "[1h]) != 0 and " + unread + "\n          or ", broken: ""},
		{name: "unknown: since is always at least", old: "or time() * (" + unread + " and last_over_time(" + current + "[5m]) >= 0)", broken: ""},
		{name: "unknown: since is never there without a reading", old: "          or -time() * " + unread + "\n", broken: ""},
		{name: "flapping: 2 drops", old: ">= 5", broken: ">= 4"},
		{name: "flapping: 4 drops", old: ">= 5", broken: ">= 6"},
		{name: "flapping: a longer window", old: "changes(" + notSynced + "[1h]) >= 5", broken: "changes(" + notSynced + "[70m]) >= 5"},
		{name: "flapping: a shorter window", old: "changes(" + notSynced + "[1h]) >= 5", broken: "changes(" + notSynced + "[10m]) >= 5"},
		{name: "flapping: whether configured or not", old: known + " and on (org_id) changes", broken: "changes"},
		{name: "flapping: critical although it is up", old: "[1h]) < 0.5", broken: "[1h]) < 0.8"},
		{name: "flapping: not critical although it is down", old: "[1h]) < 0.5", broken: "[1h]) < 0.3"},
		{name: "flapping: critical after a single drop", old: "and on (org_id) changes(" + notSynced + "[1h]) >= 3 #", broken: "#"},
		{name: "flapping: critical after many drops alone", old: "[1h]) >= 3", broken: "[1h]) >= 6"},
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
		{name: "unreachable: remembered too long", old: "group by (ops_manager, team) (" + known + ")\n            and on (ops_manager) last_over_time(ops_manager:opsmanager_unreachable:current[15m]) == 1", broken: "last_over_time(ops_manager:opsmanager_unreachable:current[20m]) == 1"},
		{name: "unreachable: early", old: "for: 5m" + pages, broken: "for: 4m30s" + pages},
		{name: "unreachable: late", old: "for: 5m" + pages, broken: "for: 5m30s" + pages},
		{name: "down: early", old: "for: 5m" + pages, broken: "for: 4m30s" + pages, nth: 1},
		{name: "down: late", old: "for: 5m" + pages, broken: "for: 5m30s" + pages, nth: 1},
		{name: "down: what is no exporter", old: ") and on (job, instance) up == 0", broken: "or 0 * up) and on (job, instance) up == 0"},
		{name: "down: not when it is", old: "and on (job, instance) up == 0", broken: "and on (job, instance) up == 2"},
		{name: "down: forgotten after an hour", old: "            or last_over_time(" + down + "[1h])\n", broken: ""},
		{name: "down: not if others read its organizations", old: "            or 0 * group by (job, instance) (last_over_time(opsmanager_exporter_build_info[1h]))\n", broken: ""},
		{name: "down: not if others read an organization that is scraped by itself", old: "            or 0 * group by (job, instance) (last_over_time(opsmanager_migration_link_scrape_success{instance=~\"[0-9a-f]{24}\"}[1h]))\n", broken: ""},
		{name: "down: each organization", old: "or sum by (job) (", broken: "or sum by (job, instance) ("},
		{name: "down: not when its target is gone", old: "count by (job, instance) (" + silent + " unless", broken: "-1 * count by (job, instance) (" + silent + " unless"},
		{name: "down: when a pod is replaced and half of the organizations are gone", old: "[1h]) / 2", broken: "[1h]) / 4"},
		{name: "down: not when a third is read elsewhere", old: "[1h]) / 2", broken: "[1h]) * 0.7"},
		{name: "down: when an organization that is scraped by itself is gone", old: "count by (job, instance) (opsmanager_migration_link_scrape_success{instance!~\"[0-9a-f]{24}\"})", broken: "count by (job, instance) (opsmanager_migration_link_scrape_success)"},
		{name: "down: when a pod is replaced", old: "[1h]) unless on (org_id) opsmanager_migration_link_scrape_success\n", broken: "[1h])\n"},
		{name: "down: forgotten while nothing is scraped", old: "and on (job, instance) ALERTS{alertname=\"OpsManagerExporterDown\"", broken: "and on (job, instance) ALERTS{alertname=\"none\""},
		{name: "down: does not end when another is scraped", old: "            unless on () opsmanager_migration_link_scrape_success\n", broken: ""},
		{name: "reload: when it succeeded", old: "config_last_reload_successful[15m])) == 0", broken: "config_last_reload_successful[15m])) == 1"},
		{name: "reload: reset by a missed scrape", old: "last_over_time(opsmanager_exporter_config_last_reload_successful[15m])", broken: "opsmanager_exporter_config_last_reload_successful"},
		{name: "reload: any exporter", old: "min by (instance)", broken: "min by (job)"},
		{name: "reload: early", old: "for: 15m" + warns, broken: "for: 14m30s" + warns},
		{name: "reload: late", old: "for: 15m" + warns, broken: "for: 15m30s" + warns},
		{name: "slow: at 80 %", old: "> 0.8", broken: ">= 0.8"},
		{name: "slow: at 95 %", old: "> 0.8", broken: "> 0.95"},
		{name: "slow: not when Prometheus gives up", old: "last_over_time(opsmanager_exporter_scrape_timeout_seconds[15m])", broken: "opsmanager_exporter_scrape_timeout_seconds"},
		{name: "slow: whatever the reason", old: `{reason="not_reached"}[5m]`, broken: `[5m]`},
		{name: "slow: only without a pause", old: `last_over_time(opsmanager_migration_link_scrape_failure_reason{reason="not_reached"}[5m])`, broken: `opsmanager_migration_link_scrape_failure_reason{reason="not_reached"}`},
		{name: "slow: each organization", old: "count by (instance) (label_replace", broken: "count by (instance, org_id) (label_replace"},
		{name: "slow: each organization scraped by itself", old: `"instance", "", "instance", "[0-9a-f]{24}"`, broken: `"instance", "", "instance", "none"`},
		{name: "slow: early", old: "for: 15m" + warns, broken: "for: 14m30s" + warns, nth: 1},
		{name: "slow: late", old: "for: 15m" + warns, broken: "for: 15m30s" + warns, nth: 1},
	}
	for _, file := range slices.Compact(slices.Sorted(maps.Values(files))) {
		if out, err := testRules(t, promtool, rules, file); err != nil {
			t.Fatalf("%s fails before anything is broken: %v\n%s", file, err, out)
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

// The commands in README.md that put links into alerts.yml do so for each alert,
// and nothing else.
func TestLinks(t *testing.T) {
	suite := realprometheus.Newest()
	realprogram.Need(t, suite.Promtool, "/bin/sed")
	rules, path := testfile.Read(t, "alerts.yml"), filepath.Join(t.TempDir(), "alerts.yml")
	testfile.Write(t, path, rules)
	commands := regexp.MustCompile("(?m)^ *sed -i '(.+)' /tmp/alerts.yml$").FindAllStringSubmatch(testfile.Read(t, "README.md"), -1)
	if len(commands) != 3 {
		t.Fatalf("%d commands: %q", len(commands), commands)
	}
	for _, command := range commands {
		if out, err := realprogram.Run(t, "/bin/sed", "-i", command[1], path); err != nil {
			t.Fatalf("sed %s: %v\n%s", command[1], err, out)
		}
	}
	if out, err := realprogram.Run(t, suite.Promtool, "check", "rules", path); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.ReplaceAll(testfile.Read(t, path), "https://git.example.com/", "https://example.net/"), "\n")
	var links, left []string
	for _, line := range lines {
		if strings.Contains(line, "https://grafana.example.com/d/opsmanager-migration-links") || strings.Contains(line, "https://opsmanager-exporter.example.com/{{ with") {
			links = append(links, line)
		} else {
			left = append(left, line)
		}
	}
	if strings.Join(left, "\n") != rules {
		t.Error("other lines have changed")
	}
	if alerts := strings.Count(rules, "          runbook_url: "); alerts != 7 || len(links) != 2*alerts {
		t.Errorf("%d links for %d alerts", len(links), alerts)
	}
}

// The words that people are told stand in the code once, for logs and pages.
func TestAction(t *testing.T) {
	if fix := opsmanager.NotSynced.Fix(); !strings.Contains(strings.Join(strings.Fields(testfile.Read(t, "alerts.yml")), " "), "action: >- "+fix) {
		t.Errorf("alerts.yml does not say: %s", fix)
	}
}
