package deploy_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
)

// Each page is sent once, and does not resolve because the status becomes unknown. The
// name of the job differs from the one in the shipped files.
func TestPages(t *testing.T) { onEverySuite(t, testPages) }

func testPages(t *testing.T, suite realprometheus.Suite, binary string) {
	alpha := startOpsManager(t, "alpha", [2]string{payments, "Payments"}, [2]string{risk, "Risk"}, [2]string{orders, "Orders"})
	beta := startOpsManager(t, "beta", [2]string{beta1, "Beta1"}, [2]string{beta2, "Beta2"}, [2]string{beta3, "Beta3"})
	gamma := startOpsManager(t, "gamma", [2]string{gamma1, "Gamma1"}, [2]string{gamma2, "Gamma2"}, [2]string{gamma3, "Gamma3"})
	start := func(managers ...*opsManager) *realprometheus.Process {
		file := filepath.Join(t.TempDir(), "opsmanager.yml")
		testfile.Write(t, file, configuration(managers...))
		return realprometheus.StartExporter(t, binary, "--config.file="+file)
	}
	other := start(gamma)
	s := startStack(t, suite, "x", start(alpha, beta), other)
	s.expect(t, "count(org:opsmanager_migration_link_synced:current == 1)", 9)

	// Two links drop, one after the other, and the key of the first is revoked as
	// well; all keys of another Ops Manager are revoked; an exporter is down.
	begin := time.Now()
	alpha.says(payments, simulator.Status("NOT_SYNCED"))
	for _, org := range beta.orgs {
		beta.revoke(org[0])
	}
	other.Stop(t)

	isDown := labels("alertname", "OpsManagerExporterDown", "severity", "critical", "job", "x", "instance", other.Address)
	if _, alert := s.hook.await(t, begin, "firing", isDown); !strings.Contains(alert.Annotations["description"], " read by no other exporter: 3. ") {
		t.Errorf("annotations %v", alert.Annotations)
	}

	dropped := func(id string) map[string]string {
		return labels("alertname", "MigrationLinkNotSynced", "severity", "critical", "org_id", id, "ops_manager", "alpha")
	}
	_, first := s.hook.await(t, begin, "firing", dropped(payments))
	alpha.revoke(payments)
	alpha.says(risk, simulator.Status("NOT_SYNCED"))

	blind := labels("alertname", "MigrationLinkStatusUnknown", "severity", "critical", "ops_manager", "beta")
	at, _ := s.hook.await(t, begin, "firing", blind)
	if took, least, most := at.Sub(begin), 30*time.Minute/factor, 30*time.Minute/factor+scrapeInterval+ruleInterval+pageWait+tolerance; took < least || took > most {
		t.Errorf("the page about an Ops Manager that nobody can read came after %s, want %s to %s", took, least, most)
	}
	if _, alerts := s.hook.since(begin, "firing", blind); len(alerts) != 3 {
		t.Errorf("it is about %d organizations: %v", len(alerts), alerts)
	}

	_, second := s.hook.await(t, begin, "firing", dropped(risk))
	if first.groupKey == second.groupKey {
		t.Errorf("the second link that dropped belongs to the incident of the first, %s", first.groupKey)
	}

	// The first page stays active when the status is unknown for so long that this would
	// be a page too.
	s.expect(t, `count(ALERTS{alertname="MigrationLinkStatusUnknown", alertstate="firing", severity="critical", org_id="`+payments+`"})`, 1)
	s.expect(t, `absent(last_over_time(opsmanager_exporter_build_info{instance="`+other.Address+`"}[`+shorten("1h")+`]))`, 1) // what the alert remembers of an exporter
	if _, alerts := s.hook.since(begin, "resolved", labels("severity", "critical")); len(alerts) != 0 {
		t.Errorf("resolved: %v", alerts)
	}
	if arrived, alerts := s.hook.since(begin, "firing", labels("severity", "critical")); len(arrived) != 4 {
		t.Errorf("%d pages, want 4: %v", len(arrived), alerts)
	}
	page := s.alert(t, dropped(payments))
	if page.Status.State != "active" || !strings.Contains(page.Annotations["description"], "That is the last known status: none could be read since 20") {
		t.Errorf("it is %s, with annotations %v", page.Status.State, page.Annotations)
	}

	// Prometheus is restarted, after a pause.
	since := `org:opsmanager_migration_link_not_synced:since{org_id="` + payments + `"}`
	before := realprometheus.Query(t, s.prometheus, since)
	s.prometheus = s.prometheus.Restart(t, 6*time.Minute/factor)
	restarted := time.Now()
	s.expect(t, fmt.Sprintf(`count(timestamp(ALERTS{alertname="MigrationLinkNotSynced", alertstate="firing", severity="critical"}) > %d)`, restarted.Unix()), 2)
	if took, limit := time.Since(restarted), 15*time.Minute/factor; took >= limit {
		t.Errorf("the pages are back after %s, as if the links had just dropped", took)
	}
	if after := realprometheus.Query(t, s.prometheus, since); len(before) != 1 || len(after) != 1 || after[0].Value != before[0].Value {
		t.Errorf("down since %v, and since %v after a restart of Prometheus", before, after)
	}
	// Alertmanager had resolved it: Prometheus sends alerts that end after 4 minutes.
	s.hook.await(t, restarted, "firing", dropped(payments))
	mended := time.Now()
	alpha.SetKey(publicKey(payments), privateKey)
	alpha.says(payments, simulator.Status("SYNCED"))
	s.hook.await(t, mended, "resolved", dropped(payments))
}
