// Package deploy_test runs what users deploy all together: a simulated Ops
// Manager, the exporter, Prometheus with the shipped rules, Alertmanager with the
// shipped routes, and somebody who is told.
package deploy_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
)

// factor is how much faster than in production time passes here: every duration
// of the shipped files is divided by it.
const factor = 60

// These are what the shipped files say, shortened.
const (
	scrapeInterval = 60 * time.Second / factor
	ruleInterval   = 30 * time.Second / factor
	groupWait      = 30 * time.Second / factor
	pageWait       = 10 * time.Second / factor // groupWait of what is critical
	tolerance      = 2 * time.Second           // of the machine, which is not faster
)

// shorten divides every duration in the text of a shipped file.
func shorten(text string) string {
	units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}
	return regexp.MustCompile(`\b\d+[smh]\b`).ReplaceAllStringFunc(text, func(duration string) string {
		n, _ := strconv.Atoi(duration[:len(duration)-1]) // digits, says the expression
		return fmt.Sprintf("%dms", time.Duration(n)*units[duration[len(duration)-1:]]/factor/time.Millisecond)
	})
}

// The organizations.
const (
	payments = "5f1e9c2b8d3a4e0012ab3401" // goes down for long
	risk     = "5f1e9c2b8d3a4e0012ab3402" // stays up
	billing  = "5f1e9c2b8d3a4e0012ab3403" // loses its role
	orders   = "5f1e9c2b8d3a4e0012ab3404" // goes up and down
	beta1    = "5f1e9c2b8d3a4e0012ab3405" // of an Ops Manager that dies
	beta2    = "5f1e9c2b8d3a4e0012ab3406"
	beta3    = "5f1e9c2b8d3a4e0012ab3407"
	gamma1   = "5f1e9c2b8d3a4e0012ab3408" // of an Ops Manager that hangs
	gamma2   = "5f1e9c2b8d3a4e0012ab3409"
	gamma3   = "5f1e9c2b8d3a4e0012ab340a"
)

// opsManager is a simulated Ops Manager that can die and come back.
type opsManager struct {
	name, address string
	orgs          [][2]string // ID and name
	*simulator.Server
}

func startOpsManager(t *testing.T, name string, orgs ...[2]string) *opsManager {
	t.Helper()
	m := &opsManager{name: name, address: realprogram.FreeAddress(t), orgs: orgs}
	m.start(t)
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func (m *opsManager) start(t *testing.T) {
	t.Helper()
	server, err := simulator.Start(simulator.Options{Address: m.address})
	if err != nil {
		t.Fatal(err)
	}
	server.SetKey("testpubl", "test-private-key")
	for _, org := range m.orgs {
		server.SetOrg(org[0], simulator.Org{})
	}
	m.Server = server
}

func (m *opsManager) says(id string, answer simulator.Answer) {
	m.SetOrg(id, simulator.Org{Answer: answer})
}

// configuration returns the exporter's for some Ops Managers.
func configuration(managers ...*opsManager) string {
	var b strings.Builder
	b.WriteString("ops_managers:\n")
	for _, m := range managers {
		fmt.Fprintf(&b, "  - url: http://%s\n    name: %s\n    api_key: {public_key: testpubl, private_key: test-private-key}\n", m.address, m.name)
		b.WriteString("    timeout: 300ms\n    max_concurrent_requests: 2\n    orgs:\n")
		for _, org := range m.orgs {
			fmt.Fprintf(&b, "      - {id: %s, name: %s}\n", org[0], org[1])
		}
	}
	return b.String()
}

// labels writes a map shorter.
func labels(pairs ...string) map[string]string {
	m := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// Every alert fires and resolves, with the right words to the right receiver, in
// time and once.
func TestAlerts(t *testing.T) {
	binary := realprometheus.Build(t)
	for _, suite := range realprometheus.Suites() {
		t.Run(suite.Name, func(t *testing.T) {
			realprogram.Need(t, suite.Prometheus, suite.Alertmanager)
			t.Parallel()
			testAlerts(t, suite, binary)
		})
	}
}

func testAlerts(t *testing.T, suite realprometheus.Suite, binary string) {
	alpha := startOpsManager(t, "alpha", [2]string{payments, "Payments"}, [2]string{risk, "Risk"}, [2]string{billing, "Billing"}, [2]string{orders, "Orders"})
	beta := startOpsManager(t, "beta", [2]string{beta1, "Beta1"}, [2]string{beta2, "Beta2"}, [2]string{beta3, "Beta3"})
	gamma := startOpsManager(t, "gamma", [2]string{gamma1, "Gamma1"}, [2]string{gamma2, "Gamma2"}, [2]string{gamma3, "Gamma3"})
	file, otherFile := filepath.Join(t.TempDir(), "opsmanager.yml"), filepath.Join(t.TempDir(), "opsmanager.yml")
	testfile.Write(t, file, configuration(alpha, beta))
	testfile.Write(t, otherFile, configuration(gamma))
	exporter := realprometheus.StartExporter(t, binary, "--config.file="+file)
	other := realprometheus.StartExporter(t, binary, "--config.file="+otherFile)

	hook := newWebhook(t)
	alertmanager := suite.StartAlertmanager(t, realprometheus.Replace(t, shorten(testfile.Read(t, "alertmanager/alertmanager.yml")), "http://localhost:5001/", hook.url))
	config, _, _ := strings.Cut(testfile.Read(t, "prometheus/prometheus.yml"), "  # The way for many organizations")
	config = realprometheus.Replace(t, config, "scrape_timeout: 15s", "scrape_timeout: 60s") // shortened too, it would be too short for a busy machine
	config = realprometheus.Replace(t, shorten(config), "localhost:20301", exporter.Address+", "+other.Address)
	config = realprometheus.Replace(t, config, "localhost:9093", alertmanager.Address)
	prometheus := suite.StartPrometheus(t, config, map[string]string{"alerts.yml": shorten(testfile.Read(t, "prometheus/alerts.yml"))},
		"--query.lookback-delta="+shorten("5m"))

	expect := func(expr string, value float64) {
		t.Helper()
		realprogram.Await(t, time.Minute, func() error {
			samples := realprometheus.Query(t, prometheus, expr)
			if len(samples) != 1 || samples[0].Value != value {
				return fmt.Errorf("%s: %v, want %v", expr, samples, value)
			}
			return nil
		})
	}
	expect("count(org:opsmanager_migration_link_synced:last == 1) and count(up == 1) == 2", 10)

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
			time.Sleep(2 * scrapeInterval) // each is seen, and none lasts long enough for another alert
		}
		alpha.says(orders, simulator.Status("SYNCED"))
	}()

	// Failed polls in the middle of the drop, before anybody was told.
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
	if alert.Labels["org_name"] != "Payments" || alert.Labels["ops_manager"] != "alpha" {
		t.Errorf("labels %v", alert.Labels)
	}
	if alert.Annotations["action"] != opsmanager.NotSynced.Fix() || !strings.Contains(alert.Annotations["summary"], "Payments") {
		t.Errorf("annotations %v", alert.Annotations)
	}

	// Failed polls, another name and a reload, after somebody was told.
	alpha.says(payments, simulator.UnexpectedError())
	alpha.orgs[0][1] = "Renamed"
	testfile.Write(t, file, configuration(alpha, beta))
	exporter.Signal(t, syscall.SIGHUP)
	expect(`count(opsmanager_migration_link_info{org_name="Renamed"})`, 1)
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

	unknown := labels("alertname", "MigrationLinkStatusUnknown", "org_id", billing, "org_name", "Billing", "ops_manager", "alpha")
	if _, alert := hook.await(t, dropped, "firing", unknown); !strings.Contains(alert.Annotations["description"], "Reason: role. Last read: 20") {
		t.Errorf("annotations %v", alert.Annotations)
	}
	unreachable := labels("alertname", "OpsManagerUnreachable", "ops_manager", "beta", "severity", "critical")
	if _, alert := hook.await(t, dropped, "firing", unreachable); !strings.Contains(alert.Annotations["description"], "Reasons: connect (3). An organization was last read: 20") {
		t.Errorf("annotations %v", alert.Annotations)
	}
	reload := labels("alertname", "OpsManagerExporterConfigReloadFailed", "instance", other.Address)
	hook.await(t, dropped, "firing", reload)
	slow := labels("alertname", "OpsManagerExporterScrapeSlow", "instance", other.Address)
	hook.await(t, dropped, "firing", slow)
	flaps := labels("alertname", "MigrationLinkFlapping", "org_id", orders, "org_name", "Orders", "ops_manager", "alpha")
	hook.await(t, dropped, "firing", flaps)
	<-flapping

	// One page for an Ops Manager that died, although each of its organizations is
	// unknown.
	expect(`count(ALERTS{alertname="MigrationLinkStatusUnknown", alertstate="firing", ops_manager="beta"})`, 3)
	time.Sleep(groupWait + tolerance)
	if arrived, alerts := hook.since(dropped, "firing", labels("ops_manager", "beta")); len(arrived) != 1 {
		t.Errorf("%d notifications for one Ops Manager: %v", len(arrived), alerts)
	}
	suppressed := labels("alertname", "MigrationLinkNotSynced", "org_id", payments, "severity", "warning")
	if state := stateOf(t, alertmanager, suppressed); state != "suppressed" {
		t.Errorf("the warning is %s while its critical alert fires", state)
	}

	// Everything is well again.
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
	for _, status := range []string{"firing", "resolved"} {
		_, alerts := hook.since(dropped, status, labels("org_id", payments))
		for _, alert := range alerts {
			if alert.Labels["org_name"] != "Payments" {
				t.Errorf("the alert has changed its name: %v", alert)
			}
		}
	}
	if _, alerts := hook.since(dropped, "firing", labels("org_id", risk)); len(alerts) != 0 {
		t.Errorf("alerts for an organization that is well: %v", alerts)
	}

	// The exporter dies: one page, although each of its organizations is unknown.
	killed := time.Now()
	exporter.Stop(t)
	down := labels("alertname", "OpsManagerExporterDown", "severity", "critical", "instance", exporter.Address)
	hook.await(t, killed, "firing", down)
	expect(`count(ALERTS{alertname="MigrationLinkStatusUnknown", alertstate="firing"})`, 7)
	time.Sleep(groupWait + tolerance)
	if arrived, alerts := hook.since(killed, "firing", nil); len(arrived) != 1 {
		t.Errorf("%d notifications for an exporter that died: %v", len(arrived), alerts)
	}
	revived := time.Now()
	realprometheus.StartExporterAt(t, exporter.Address, binary, "--config.file="+file)
	hook.await(t, revived, "resolved", down)
	hook.await(t, mended, "resolved", flaps)
}

// stateOf returns Alertmanager's state of an alert: active or suppressed.
func stateOf(t *testing.T, alertmanager *realprometheus.Process, labels map[string]string) string {
	t.Helper()
	var answer []struct {
		Labels map[string]string
		Status struct{ State string }
	}
	realprometheus.GetJSON(t, alertmanager.URL+"/api/v2/alerts", &answer)
	for _, a := range answer {
		if (notified{Labels: a.Labels}).matches("", labels) {
			return a.Status.State
		}
	}
	return "not there"
}
