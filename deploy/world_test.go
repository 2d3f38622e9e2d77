// Package deploy_test runs everything that users deploy together: a simulated Ops
// Manager, the exporter, Prometheus with the shipped rules, Alertmanager with the
// shipped routes, and a webhook that receives notifications.
package deploy_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
)

// factor is the factor by which every duration in the shipped files is divided.
const factor = 60

// Shortened values from the shipped files.
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
	payments = "5f1e9c2b8d3a4e0012ab3401" // goes down for a long time
	risk     = "5f1e9c2b8d3a4e0012ab3402" // stays up
	billing  = "5f1e9c2b8d3a4e0012ab3403" // loses its role
	orders   = "5f1e9c2b8d3a4e0012ab3404" // goes up and down
	beta1    = "5f1e9c2b8d3a4e0012ab3405" // of an Ops Manager that stops
	beta2    = "5f1e9c2b8d3a4e0012ab3406"
	beta3    = "5f1e9c2b8d3a4e0012ab3407"
	gamma1   = "5f1e9c2b8d3a4e0012ab3408" // of an Ops Manager that hangs
	gamma2   = "5f1e9c2b8d3a4e0012ab3409"
	gamma3   = "5f1e9c2b8d3a4e0012ab340a"
)

// opsManager is a simulated Ops Manager that can be stopped and restarted. Each of its
// organizations has its own API key.
type opsManager struct {
	name, address string
	orgs          [][2]string // ID and name
	team          string      // "" for none
	*simulator.Server
}

const privateKey = "test-private-key"

// publicKey returns the public key of an organization.
func publicKey(id string) string { return "key" + id[len(id)-5:] }

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
	m.Server = server
	for _, org := range m.orgs {
		m.SetOrg(org[0], simulator.Org{})
		m.SetKey(publicKey(org[0]), privateKey)
	}
}

// revoke revokes the key of an organization.
func (m *opsManager) revoke(id string) { m.SetKey(publicKey(id), "another-private-key") }

func (m *opsManager) says(id string, answer simulator.Answer) {
	m.SetOrg(id, simulator.Org{Answer: answer})
}

// configuration returns a configuration of the exporter for the Ops Managers.
func configuration(managers ...*opsManager) string {
	var b strings.Builder
	b.WriteString("ops_managers:\n")
	for _, m := range managers {
		fmt.Fprintf(&b, "  - url: http://%s\n    name: %s\n", m.address, m.name)
		if m.team != "" {
			fmt.Fprintf(&b, "    team: %s\n", m.team)
		}
		b.WriteString("    timeout: 300ms\n    max_concurrent_requests: 2\n    orgs:\n")
		for _, org := range m.orgs {
			fmt.Fprintf(&b, "      - {id: %s, name: %s, api_key: {public_key: %s, private_key: %s}}\n", org[0], org[1], publicKey(org[0]), privateKey)
		}
	}
	return b.String()
}

// labels is a short name for a map of labels.
func labels(pairs ...string) map[string]string {
	m := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// stack is what users deploy around exporters, with the shipped files and every
// duration shortened.
type stack struct {
	hook                     *webhook
	alertmanager, prometheus *realprometheus.Process
}

// onEverySuite runs a test with each version of Prometheus and Alertmanager, and with the
// exporter's binary.
func onEverySuite(t *testing.T, test func(*testing.T, realprometheus.Suite, string)) {
	t.Helper()
	binary := realprometheus.Build(t)
	for _, suite := range realprometheus.Suites() {
		t.Run(suite.Name, func(t *testing.T) {
			realprogram.Need(t, suite.Prometheus, suite.Alertmanager)
			t.Parallel()
			test(t, suite, binary)
		})
	}
}

// startStack scrapes exporters in a job of this name.
func startStack(t *testing.T, suite realprometheus.Suite, job string, exporters ...*realprometheus.Process) *stack {
	t.Helper()
	s := &stack{hook: newWebhook(t)}
	s.alertmanager = suite.StartAlertmanager(t, realprometheus.Replace(t, shorten(testfile.Read(t, "alertmanager/alertmanager.yml")), "http://localhost:5001", s.hook.url))
	var addresses []string
	for _, exporter := range exporters {
		addresses = append(addresses, exporter.Address)
	}
	config := realprometheus.Replace(t, testfile.Read(t, "prometheus/prometheus.yml"), "scrape_timeout: 15s", "scrape_timeout: 60s") // the shortened value would be too short for a busy machine
	config = realprometheus.Replace(t, shorten(config), "localhost:20301", strings.Join(addresses, ", "))
	config = realprometheus.Replace(t, config, "localhost:9093", s.alertmanager.Address)
	config = realprometheus.Replace(t, config, "job_name: opsmanager\n", "job_name: "+job+"\n")
	s.prometheus = suite.StartPrometheus(t, config, map[string]string{"alerts.yml": shorten(testfile.Read(t, "prometheus/alerts.yml"))},
		"--query.lookback-delta="+shorten("5m"), "--rules.alert.for-grace-period="+shorten("1m"), "--rules.alert.resend-delay="+shorten("1m"))
	return s
}

// expect waits until a query returns one value.
func (s *stack) expect(t *testing.T, expr string, value float64) {
	t.Helper()
	realprogram.Await(t, time.Minute, func() error {
		samples := realprometheus.Query(t, s.prometheus, expr)
		if len(samples) != 1 || samples[0].Value != value {
			return fmt.Errorf("%s: %v, want %v", expr, samples, value)
		}
		return nil
	})
}

// alert is an alert in the API of Alertmanager.
type alert struct {
	Labels, Annotations map[string]string
	Status              struct{ State string } // active or suppressed
}

// alert returns the only alert with at least these labels.
func (s *stack) alert(t *testing.T, labels map[string]string) alert {
	t.Helper()
	var all, found []alert
	realprometheus.GetJSON(t, s.alertmanager.URL+"/api/v2/alerts", &all)
	for _, a := range all {
		if (notified{Labels: a.Labels}).matches("", labels) {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d alerts %v: %v", len(found), labels, found)
	}
	return found[0]
}
