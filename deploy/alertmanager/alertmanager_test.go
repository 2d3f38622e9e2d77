// Package alertmanager_test tests the shipped configuration on real Alertmanagers.
package alertmanager_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
)

func TestConfig(t *testing.T) {
	for _, suite := range realprometheus.Suites() {
		t.Run(suite.Name, func(t *testing.T) {
			if out, err := realprogram.Run(t, suite.Amtool, "check-config", "alertmanager.yml"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// alerts are the alerts that can fire, by a short name.
func alerts() map[string]map[string]string {
	return map[string]map[string]string{
		"a not synced, warning":        {"alertname": "MigrationLinkNotSynced", "severity": "warning", "org_id": "a", "ops_manager": "production"},
		"a not synced, critical":       {"alertname": "MigrationLinkNotSynced", "severity": "critical", "org_id": "a", "ops_manager": "production"},
		"b not synced, warning":        {"alertname": "MigrationLinkNotSynced", "severity": "warning", "org_id": "b", "ops_manager": "production"},
		"b not synced, critical":       {"alertname": "MigrationLinkNotSynced", "severity": "critical", "org_id": "b", "ops_manager": "production"},
		"a unknown, warning":           {"alertname": "MigrationLinkStatusUnknown", "severity": "warning", "org_id": "a", "ops_manager": "production"},
		"a unknown, critical":          {"alertname": "MigrationLinkStatusUnknown", "severity": "critical", "org_id": "a", "ops_manager": "production"},
		"d unknown, critical":          {"alertname": "MigrationLinkStatusUnknown", "severity": "critical", "org_id": "d", "ops_manager": "production"},
		"c of another Ops Manager":     {"alertname": "MigrationLinkStatusUnknown", "severity": "warning", "org_id": "c", "ops_manager": "staging"},
		"a flapping, warning":          {"alertname": "MigrationLinkFlapping", "severity": "warning", "org_id": "a", "ops_manager": "production"},
		"a flapping, critical":         {"alertname": "MigrationLinkFlapping", "severity": "critical", "org_id": "a", "ops_manager": "production"},
		"unreachable":                  {"alertname": "OpsManagerUnreachable", "severity": "critical", "ops_manager": "production"},
		"down":                         {"alertname": "OpsManagerExporterDown", "severity": "critical", "job": "opsmanager", "instance": "exporter:20301"},
		"reload failed":                {"alertname": "OpsManagerExporterConfigReloadFailed", "severity": "warning", "instance": "exporter:20301"},
		"slow":                         {"alertname": "OpsManagerExporterScrapeSlow", "severity": "warning", "instance": "exporter:20301"},
		"another is slow":              {"alertname": "OpsManagerExporterScrapeSlow", "severity": "warning", "instance": "other:20301"},
		"e not synced, of a team":      {"alertname": "MigrationLinkNotSynced", "severity": "critical", "org_id": "e", "ops_manager": "production", "team": "payments-dba"},
		"f unknown, of a team":         {"alertname": "MigrationLinkStatusUnknown", "severity": "critical", "org_id": "f", "ops_manager": "production", "team": "payments-dba"},
		"g unknown, of a team":         {"alertname": "MigrationLinkStatusUnknown", "severity": "warning", "org_id": "g", "ops_manager": "production", "team": "payments-dba"},
		"h unknown, of another team":   {"alertname": "MigrationLinkStatusUnknown", "severity": "warning", "org_id": "h", "ops_manager": "production", "team": "risk-dba"},
		"somebody else's, of the same": {"alertname": "NodeDown", "severity": "warning", "org_id": "a", "ops_manager": "production", "instance": "exporter:20301"},
	}
}

// Each alert inhibits those that it explains, and no others.
func TestInhibition(t *testing.T) {
	silences := map[string][]string{
		"a not synced, critical": {"a not synced, warning", "a unknown, warning", "a unknown, critical", "a flapping, warning", "a flapping, critical"},
		"b not synced, critical": {"b not synced, warning"},
		"a unknown, critical":    {"a unknown, warning"},
		"a flapping, critical":   {"a flapping, warning"},
		"unreachable": {
			"a unknown, warning", "a unknown, critical", "d unknown, critical",
			"f unknown, of a team", "g unknown, of a team", "h unknown, of another team",
		},
		"down": {"slow"},
	}
	for _, suite := range realprometheus.Suites() {
		t.Run(suite.Name, func(t *testing.T) {
			realprogram.Need(t, suite.Alertmanager, suite.Amtool)
			for source := range alerts() {
				t.Run(source, func(t *testing.T) {
					t.Parallel()
					am := suite.StartAlertmanager(t, config(t))
					// One inhibiting alert at a time, together with those that it inhibits. The
					// last pair shows that Alertmanager has processed all before it.
					fired := make(map[string]map[string]string)
					for name, labels := range alerts() {
						if name == source || len(silences[name]) == 0 || slices.Contains(silences[source], name) {
							fired[name] = labels
						}
					}
					post(t, am, fired)
					last := map[string]map[string]string{
						"last":     {"alertname": "MigrationLinkNotSynced", "severity": "critical", "org_id": "last"},
						"silenced": {"alertname": "MigrationLinkNotSynced", "severity": "warning", "org_id": "last"},
					}
					post(t, am, last)
					maps.Copy(fired, last)
					want := append([]string{"silenced"}, silences[source]...)
					slices.Sort(want)
					realprogram.Await(t, 20*time.Second, func() error {
						states := states(t, suite.Amtool, am, fired)
						if len(states) != len(fired) {
							return fmt.Errorf("%d alerts, want %d", len(states), len(fired))
						}
						var got []string
						for name, state := range states {
							if state == "suppressed" {
								got = append(got, name)
							}
						}
						slices.Sort(got)
						if !slices.Equal(got, want) {
							return fmt.Errorf("%s silences %q, want %q", source, got, want)
						}
						return nil
					})
				})
			}
		})
	}
}

// Each link that is down is a separate page. Other alerts with the same name for an Ops
// Manager are one notification, pages do not wait for warnings, and a team is notified
// about its own organizations.
func TestGroups(t *testing.T) {
	for _, suite := range realprometheus.Suites() {
		t.Run(suite.Name, func(t *testing.T) {
			am := suite.StartAlertmanager(t, config(t))
			post(t, am, alerts())
			realprogram.Await(t, 20*time.Second, func() error {
				var groups []struct {
					Labels   map[string]string
					Receiver struct{ Name string }
					Alerts   []struct{ Labels map[string]string }
				}
				realprometheus.GetJSON(t, am.URL+"/api/v2/alerts/groups", &groups)
				got := make(map[string]bool)
				for _, g := range groups {
					severities := make(map[string]int)
					for _, a := range g.Alerts {
						severities[a.Labels["severity"]]++
					}
					by := cmp.Or(g.Labels["ops_manager"], "-") + "/" + cmp.Or(g.Labels["org_id"], "-")
					got[fmt.Sprintf("%s %s %v %s", g.Labels["alertname"], by, severities, g.Receiver.Name)] = true
				}
				want := map[string]bool{
					"MigrationLinkNotSynced production/- map[warning:2] migration-team":      true,
					"MigrationLinkNotSynced -/a map[critical:1] migration-team":              true,
					"MigrationLinkNotSynced -/b map[critical:1] migration-team":              true,
					"MigrationLinkNotSynced -/e map[critical:1] payments-dba":                true,
					"MigrationLinkStatusUnknown production/- map[critical:2] migration-team": true,
					"MigrationLinkStatusUnknown production/- map[critical:1] payments-dba":   true,
					"MigrationLinkStatusUnknown production/- map[warning:2] migration-team":  true,
					"MigrationLinkStatusUnknown production/- map[warning:1] payments-dba":    true,
					"MigrationLinkStatusUnknown staging/- map[warning:1] migration-team":     true,
					"MigrationLinkFlapping production/- map[warning:1] migration-team":       true,
					"MigrationLinkFlapping production/- map[critical:1] migration-team":      true,
					"OpsManagerUnreachable production/- map[critical:1] migration-team":      true,
					"OpsManagerExporterDown -/- map[critical:1] migration-team":              true,
					"OpsManagerExporterConfigReloadFailed -/- map[warning:1] migration-team": true,
					"OpsManagerExporterScrapeSlow -/- map[warning:2] migration-team":         true,
					"NodeDown production/- map[warning:1] migration-team":                    true,
				}
				if !maps.Equal(got, want) {
					return fmt.Errorf("groups:\n%s", strings.Join(slices.Sorted(maps.Keys(got)), "\n"))
				}
				return nil
			})
		})
	}
}

func post(t *testing.T, am *realprometheus.Process, alerts map[string]map[string]string) {
	t.Helper()
	type alert struct {
		Labels   map[string]string `json:"labels"`
		StartsAt time.Time         `json:"startsAt"`
	}
	var body []alert
	for _, labels := range alerts {
		body = append(body, alert{Labels: labels, StartsAt: time.Now()})
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(am.URL+"/api/v2/alerts", "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("post alerts: %s", resp.Status)
	}
}

// states asks amtool for the state of each alert, and returns it by its short
// name.
func states(t *testing.T, amtool string, am *realprometheus.Process, names map[string]map[string]string) map[string]string {
	t.Helper()
	out, err := realprogram.Run(t, amtool, "--alertmanager.url="+am.URL, "--output=json", "alert", "query", "--active", "--inhibited")
	if err != nil {
		t.Fatalf("amtool: %v\n%s", err, out)
	}
	var answer []struct {
		Labels map[string]string
		Status struct{ State string }
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("amtool: %v\n%s", err, out)
	}
	states := make(map[string]string)
	for _, a := range answer {
		for name, labels := range names {
			if maps.Equal(labels, a.Labels) {
				states[name] = a.Status.State
			}
		}
	}
	return states
}

// config returns the shipped configuration with a receiver that listens.
func config(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("alertmanager.yml")
	if err != nil {
		t.Fatal(err)
	}
	receiver := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(receiver.Close)
	return realprometheus.Replace(t, string(text), "http://localhost:5001/", receiver.URL+"/")
}
