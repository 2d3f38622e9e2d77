package chart_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

// The files in the chart are those that the project tests.
func TestFiles(t *testing.T) {
	for copied, original := range map[string]string{
		"alerts.yml":           "deploy/prometheus/alerts.yml",
		"report.yml":           "deploy/prometheus/report.yml",
		"migration-links.json": "dashboards/migration-links.json",
	} {
		if read(t, filepath.Join(chart, "files", copied)) != read(t, filepath.Join(root, original)) {
			t.Errorf("the chart has another %s: cp %s deploy/helm/opsmanager-exporter/files/", copied, original)
		}
	}
	var alerts, report monitoringv1.PrometheusRuleSpec
	for file, rules := range map[string]*monitoringv1.PrometheusRuleSpec{"alerts.yml": &alerts, "report.yml": &report} {
		if err := yaml.UnmarshalStrict([]byte(read(t, filepath.Join(root, "deploy/prometheus", file))), rules); err != nil {
			t.Fatal(err)
		}
	}
	if len(alerts.Groups) == 0 || len(alerts.Groups[0].Rules) < 10 {
		t.Fatalf("alerts.yml has %+v", alerts.Groups)
	}
	for _, name := range []string{"full", "replicas"} {
		m := render(t, name)
		groups := m.prometheusRule.Spec.Groups
		dashboard := read(t, filepath.Join(root, "dashboards/migration-links.json"))
		if name == "full" {
			dashboard = strings.ReplaceAll(dashboard, "https://example.net/opsmanager_exporter/README.md", "https://git.example.net/opsmanager_exporter/README.md")
			links := groups[len(groups)-1]
			groups = groups[:len(groups)-1]
			if rule := links.Rules[0]; len(links.Rules) != 1 || links.Name != "opsmanager-links" || rule.Record != "opsmanager:status_page:info" ||
				rule.Expr.String() != "vector(1)" || rule.Labels["url"] != "https://exporter.example.net" {
				t.Errorf("links %+v", links)
			}
			takeLinks(t, groups[0].Rules)
		}
		if !reflect.DeepEqual(groups, slices.Concat(alerts.Groups, report.Groups)) {
			t.Errorf("%s: the rules are not those of alerts.yml and report.yml", name)
		}
		if got := m.dashboard.Data["migration-links.json"]; len(m.dashboard.Data) != 1 || got != dashboard {
			t.Errorf("%s: the dashboard is not migration-links.json", name)
		}
		if m.dashboard.Labels["grafana_dashboard"] != "1" {
			t.Errorf("%s: labels %v", name, m.dashboard.Labels)
		}
	}
}

// takeLinks removes the links that the full values add to the annotations, and restores
// the runbook URLs of alerts.yml.
func takeLinks(t *testing.T, rules []monitoringv1.Rule) {
	t.Helper()
	for _, rule := range rules {
		if rule.Alert == "" {
			continue
		}
		for name, want := range map[string]string{
			"dashboard":   "https://grafana.example.net/d/opsmanager-migration-links{{ with $labels.org_id }}?var-org={{ . }}{{ end }}",
			"status_page": "https://exporter.example.net/{{ with $labels.org_id }}?q={{ . }}{{ end }}",
		} {
			if got := rule.Annotations[name]; got != want {
				t.Errorf("%s: %s is %q, want %q", rule.Alert, name, got, want)
			}
			delete(rule.Annotations, name)
		}
		runbook, ok := strings.CutPrefix(rule.Annotations["runbook_url"], "https://git.example.net/")
		if !ok {
			t.Errorf("%s: runbook_url %s", rule.Alert, rule.Annotations["runbook_url"])
		}
		rule.Annotations["runbook_url"] = "https://example.net/" + runbook
	}
}

// Artifact Hub ignores annotations that it cannot read.
func TestArtifactHub(t *testing.T) {
	var metadata struct {
		Version, AppVersion string
		Annotations         map[string]string
	}
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chart, "Chart.yaml"))), &metadata); err != nil {
		t.Fatal(err)
	}
	var changes []struct{ Kind, Description string }
	if err := yaml.UnmarshalStrict([]byte(metadata.Annotations["artifacthub.io/changes"]), &changes); err != nil || len(changes) == 0 {
		t.Errorf("changes %+v, %v", changes, err)
	}
	for _, change := range changes {
		if !slices.Contains([]string{"added", "changed", "deprecated", "removed", "fixed", "security"}, change.Kind) || change.Description == "" {
			t.Errorf("change %+v", change)
		}
	}
	var recommendations []struct{ URL string }
	if err := yaml.UnmarshalStrict([]byte(metadata.Annotations["artifacthub.io/recommendations"]), &recommendations); err != nil || len(recommendations) == 0 {
		t.Errorf("recommendations %+v, %v", recommendations, err)
	}
}
