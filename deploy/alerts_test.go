package deploy_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
)

// Every alert fires and resolves in time, once, with the right text and receiver.
func TestAlerts(t *testing.T) { onEverySuite(t, testAlerts) }

func testAlerts(t *testing.T, suite realprometheus.Suite, binary string) {
	alpha := startOpsManager(t, "alpha", [2]string{payments, "Payments"}, [2]string{risk, "Risk"}, [2]string{billing, "Billing"}, [2]string{orders, "Orders"})
	beta := startOpsManager(t, "beta", [2]string{beta1, "Beta1"}, [2]string{beta2, "Beta2"}, [2]string{beta3, "Beta3"})
	beta.team = "payments-dba"
	gamma := startOpsManager(t, "gamma", [2]string{gamma1, "Gamma1"}, [2]string{gamma2, "Gamma2"}, [2]string{gamma3, "Gamma3"})
	file, otherFile := filepath.Join(t.TempDir(), "opsmanager.yml"), filepath.Join(t.TempDir(), "opsmanager.yml")
	testfile.Write(t, file, configuration(alpha, beta))
	testfile.Write(t, otherFile, configuration(gamma))
	exporter := realprometheus.StartExporter(t, binary, "--config.file="+file)
	other := realprometheus.StartExporter(t, binary, "--config.file="+otherFile)
	s := startStack(t, suite, "opsmanager", exporter, other)
	hook := s.hook
	s.expect(t, "count(org:opsmanager_migration_link_synced:current == 1) and count(up == 1) == 2", 10)

	// Everything goes wrong at once.
	dropped := time.Now()
	alpha.says(payments, simulator.Status("NOT_SYNCED"))
	alpha.says(billing, simulator.MissingRole(false))
	if err := beta.Close(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{gamma1, gamma2, gamma3} {
		gamma.says(id, simulator.Hang())
	}
	testfile.Write(t, otherFile, "nonsense: true\n")
	other.Signal(t, syscall.SIGHUP)
	flapping := make(chan struct{})
	go func() {
		defer close(flapping)
		for i := range 7 {
			alpha.says(orders, simulator.Status([]string{"NOT_SYNCED", "SYNCED"}[i%2]))
			time.Sleep(2 * scrapeInterval) // each is scraped, and none lasts long enough for another alert
		}
		alpha.says(orders, simulator.Status("SYNCED"))
	}()

	// Failed polls during the drop, before the notification.
	time.Sleep(2 * scrapeInterval)
	alpha.says(payments, simulator.UnexpectedError())
	time.Sleep(2 * scrapeInterval)
	alpha.says(payments, simulator.Status("NOT_SYNCED"))

	warning := labels("alertname", "MigrationLinkNotSynced", "severity", "warning", "org_id", payments)
	at, alert := hook.await(t, dropped, "firing", warning)
	if limit := scrapeInterval + ruleInterval + 5*time.Minute/factor + groupWait + tolerance; at.Sub(dropped) > limit {
		t.Errorf("from NOT_SYNCED to the warning %s, want %s at most", at.Sub(dropped), limit)
	} else {
		t.Logf("from NOT_SYNCED to the warning %s, of %s at most", at.Sub(dropped).Round(time.Millisecond), limit)
	}
	if want := labels("alertname", "MigrationLinkNotSynced", "severity", "warning", "org_id", payments, "ops_manager", "alpha"); !maps.Equal(alert.Labels, want) {
		t.Errorf("labels %v, want %v", alert.Labels, want)
	}
	if alert.Annotations["action"] != opsmanager.NotSynced.Fix() || !strings.Contains(alert.Annotations["summary"], "Payments") {
		t.Errorf("annotations %v", alert.Annotations)
	}

	// Failed polls, another name and a reload, after the notification.
	alpha.says(payments, simulator.UnexpectedError())
	alpha.orgs[0][1] = "Renamed"
	testfile.Write(t, file, configuration(alpha, beta))
	exporter.Signal(t, syscall.SIGHUP)
	s.expect(t, `count(opsmanager_migration_link_info{org_name="Renamed"})`, 1)
	time.Sleep(scrapeInterval)
	alpha.says(payments, simulator.Status("NOT_SYNCED"))

	critical := labels("alertname", "MigrationLinkNotSynced", "severity", "critical", "org_id", payments)
	at, _ = hook.await(t, dropped, "firing", critical)
	if limit := scrapeInterval + ruleInterval + 15*time.Minute/factor + pageWait + tolerance; at.Sub(dropped) > limit {
		t.Errorf("from NOT_SYNCED to the page %s, want %s at most", at.Sub(dropped), limit)
	} else {
		t.Logf("from NOT_SYNCED to the page %s, of %s at most", at.Sub(dropped).Round(time.Millisecond), limit)
	}
	if _, alerts := hook.since(dropped, "resolved", labels("alertname", "MigrationLinkNotSynced")); len(alerts) != 0 {
		t.Errorf("resolved in the middle of the drop: %v", alerts)
	}

	unknown := labels("alertname", "MigrationLinkStatusUnknown", "severity", "warning", "org_id", billing, "ops_manager", "alpha")
	if _, alert := hook.await(t, dropped, "firing", unknown); !regexp.MustCompile(`Billing .+ could not be read since 20\d\d-\d\d-\d\d \d\d:\d\d UTC\. Reason: role\.$`).MatchString(alert.Annotations["description"]) {
		t.Errorf("annotations %v", alert.Annotations)
	}
	unreachable := labels("alertname", "OpsManagerUnreachable", "ops_manager", "beta", "severity", "critical", "team", "payments-dba")
	if _, alert := hook.await(t, dropped, "firing", unreachable); !strings.Contains(alert.Annotations["description"], "Reasons: connect (3).") || alert.receiver != "/payments-dba" {
		t.Errorf("to %s: annotations %v", alert.receiver, alert.Annotations)
	}
	reload := labels("alertname", "OpsManagerExporterConfigReloadFailed", "instance", other.Address)
	hook.await(t, dropped, "firing", reload)
	slow := labels("alertname", "OpsManagerExporterScrapeSlow", "instance", other.Address)
	hook.await(t, dropped, "firing", slow)
	flaps := labels("alertname", "MigrationLinkFlapping", "severity", "warning", "org_id", orders, "ops_manager", "alpha")
	hook.await(t, dropped, "firing", flaps)
	<-flapping

	// One page for an Ops Manager that is down, although each of its organizations is
	// unknown.
	s.expect(t, `count(ALERTS{alertname="MigrationLinkStatusUnknown", alertstate="firing", severity="warning", ops_manager="beta"})`, 3)
	time.Sleep(groupWait + tolerance)
	if arrived, alerts := hook.since(dropped, "firing", labels("ops_manager", "beta")); len(arrived) != 1 {
		t.Errorf("%d notifications for one Ops Manager: %v", len(arrived), alerts)
	}
	if state := s.alert(t, warning).Status.State; state != "suppressed" {
		t.Errorf("the warning is %s while its critical alert fires", state)
	}

	// Everything recovers.
	mended := time.Now()
	alpha.says(payments, simulator.Status("SYNCED"))
	alpha.says(billing, simulator.Status("SYNCED"))
	beta.start(t)
	for _, id := range []string{gamma1, gamma2, gamma3} {
		gamma.says(id, simulator.Status("SYNCED"))
	}
	testfile.Write(t, otherFile, configuration(gamma))
	other.Signal(t, syscall.SIGHUP)
	for _, alert := range []map[string]string{warning, critical, unknown, unreachable, reload, slow} {
		hook.await(t, mended, "resolved", alert)
	}
	for _, alert := range []map[string]string{critical, unreachable} {
		arrived, alerts := hook.since(dropped, "firing", alert)
		if len(arrived) != 1 {
			t.Errorf("%d pages for one incident: %v", len(arrived), alerts)
		}
	}
	if _, alerts := hook.since(dropped, "firing", labels("org_id", risk)); len(alerts) != 0 {
		t.Errorf("alerts for an organization that is well: %v", alerts)
	}

	// The exporter stops: one page for all of its organizations.
	killed := time.Now()
	exporter.Stop(t)
	down := labels("alertname", "OpsManagerExporterDown", "severity", "critical", "instance", exporter.Address)
	if _, alert := hook.await(t, killed, "firing", down); !strings.Contains(alert.Annotations["description"], " read by no other exporter: 7. ") {
		t.Errorf("annotations %v", alert.Annotations)
	}
	time.Sleep(10*time.Minute/factor + groupWait + tolerance) // when the status of an organization is unknown for too long
	if arrived, alerts := hook.since(killed, "firing", nil); len(arrived) != 1 {
		t.Errorf("%d notifications for an exporter that died: %v", len(arrived), alerts)
	}
	revived := time.Now()
	realprometheus.StartExporterAt(t, exporter.Address, binary, "--config.file="+file)
	hook.await(t, revived, "resolved", down)
	hook.await(t, mended, "resolved", flaps)
}
