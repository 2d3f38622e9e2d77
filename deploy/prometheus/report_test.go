package prometheus_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
)

// report.yml is without lint, also with the address of the status page.
func TestReportRules(t *testing.T) {
	promtool := realprometheus.Newest().Promtool
	rules := testfile.Read(t, "report.yml")
	links := regexp.MustCompile(`(?m)^  # ((?:- name: opsmanager-links|  ).*)$`)
	if found := links.FindAllString(rules, -1); len(found) != 5 {
		t.Errorf("the rule for the status page: %q", found)
	}
	for _, text := range []string{rules, links.ReplaceAllString(rules, "  $1")} {
		if out, err := realprogram.Run(t, promtool, "check", "rules", "--lint=all", "--lint-fatal", testfile.New(t, "report.yml", text)); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// The tests of the report's rules notice each that is broken.
func TestBrokenRulesOfReport(t *testing.T) {
	if !*broken {
		t.Skip("takes minutes; .ci/run does it with -broken")
	}
	promtool := realprometheus.Newest().Promtool
	realprogram.Need(t, promtool)
	rules, tests := testfile.Read(t, "report.yml"), testfile.Read(t, "tests/report.yml")
	for _, test := range []struct{ name, old, broken string }{
		{"the best reading", "min by (org_id) (opsmanager_migration_link_synced)", "max by (org_id) (opsmanager_migration_link_synced)"},
		{"1 for SYNCED", "== bool 0", "== bool 1"},
		{"a drop begins anew each minute", "_seconds[1h]) > 0\n", "_seconds[1h]) < 0\n"},
		{"a drop survives SYNCED", "            and on (org_id) org:opsmanager_migration_report:not_synced == 1\n", ""},
		{"a gap ends a drop early", "drop_start_timestamp_seconds[1h]", "drop_start_timestamp_seconds[29m]"},
		{"a gap ends a drop late", "drop_start_timestamp_seconds[1h]", "drop_start_timestamp_seconds[2h]"},
		{"a drop is a minute short", "(time() - 60)", "(time() - 0)"},
		{"gone with its exporter", "            or\n            last_over_time(org_instance:opsmanager_migration_report:known_timestamp_seconds[1h]) and on (job, instance) up == 0\n", ""},
		{"known when removed", " and on (job, instance) up == 0", ""},
		{"known when the target is gone", "and on (job, instance) up == 0", "unless on (job, instance) up == 1"},
		{"all names alike", "time() * group by (org_id, org_name", "2 * group by (org_id, org_name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			testfile.Write(t, filepath.Join(dir, "report.yml"), realprometheus.Replace(t, rules, test.old, test.broken))
			if err := os.Mkdir(filepath.Join(dir, "tests"), 0o700); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "tests", "report.yml")
			testfile.Write(t, file, tests)
			if out, err := realprogram.Run(t, promtool, "check", "rules", filepath.Join(dir, "report.yml")); err != nil {
				t.Fatalf("broken rules must be rules: %v\n%s", err, out)
			}
			if _, err := realprogram.Run(t, promtool, "test", "rules", file); err == nil {
				t.Error("nothing noticed")
			}
		})
	}
}
