package chart_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	monitoringv1alpha1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// manifests are the rendered objects; nil for those that are omitted.
type manifests struct {
	kinds          []string // with the namespace, where it is not "monitoring"
	deployment     *appsv1.Deployment
	service        *corev1.Service
	config         *corev1.ConfigMap
	dashboard      *corev1.ConfigMap
	serviceAccount *corev1.ServiceAccount
	networkPolicy  *networkingv1.NetworkPolicy
	budget         *policyv1.PodDisruptionBudget
	serviceMonitor *monitoringv1.ServiceMonitor
	prometheusRule *monitoringv1.PrometheusRule
	podMonitor     *monitoringv1.PodMonitor
	scrapeConfig   *monitoringv1alpha1.ScrapeConfig
	ingress        *networkingv1.Ingress
	hook           *corev1.Pod    // of helm test
	extra          *corev1.Secret // of the values
}

// decode decodes documents into the types of their kinds. Unknown fields, duplicate
// fields and duplicate kinds are errors.
func decode(text string) (manifests, error) {
	var m manifests
	for document := range strings.SplitSeq("\n"+text, "\n---\n") {
		var head struct {
			metav1.TypeMeta `json:",inline"`
			Metadata        metav1.ObjectMeta `json:"metadata"`
		}
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			return m, err
		}
		kind := head.APIVersion + " " + head.Kind
		if kind == " " {
			continue
		}
		var err error
		switch kind {
		case "apps/v1 Deployment":
			err = into(document, &m.deployment)
		case "v1 Service":
			err = into(document, &m.service)
		case "v1 ConfigMap":
			if strings.HasSuffix(head.Metadata.Name, "-dashboard") {
				kind += " of the dashboard"
				err = into(document, &m.dashboard)
			} else {
				err = into(document, &m.config)
			}
		case "v1 ServiceAccount":
			err = into(document, &m.serviceAccount)
		case "networking.k8s.io/v1 NetworkPolicy":
			err = into(document, &m.networkPolicy)
		case "policy/v1 PodDisruptionBudget":
			err = into(document, &m.budget)
		case "monitoring.coreos.com/v1 ServiceMonitor":
			err = into(document, &m.serviceMonitor)
		case "monitoring.coreos.com/v1 PodMonitor":
			err = into(document, &m.podMonitor)
		case "monitoring.coreos.com/v1 PrometheusRule":
			err = into(document, &m.prometheusRule)
		case "monitoring.coreos.com/v1alpha1 ScrapeConfig":
			err = into(document, &m.scrapeConfig)
		case "networking.k8s.io/v1 Ingress":
			err = into(document, &m.ingress)
		case "v1 Pod":
			err = into(document, &m.hook)
		case "v1 Secret":
			err = into(document, &m.extra)
		default:
			err = fmt.Errorf("unexpected %s", kind)
		}
		if err != nil {
			return m, fmt.Errorf("%s: %w", kind, err)
		}
		if problems := invalid(head.Kind, head.Metadata); len(problems) > 0 {
			return m, fmt.Errorf("%s: invalid metadata: %q", kind, problems)
		}
		place := head.Kind
		if head.Metadata.Namespace != "monitoring" {
			place += " in " + head.Metadata.Namespace
		}
		m.kinds = append(m.kinds, place)
	}
	slices.Sort(m.kinds)
	return m, nil
}

// invalid returns what Kubernetes rejects in the metadata of an object.
func invalid(kind string, metadata metav1.ObjectMeta) []string {
	problems := slices.Concat(validation.IsDNS1123Label(metadata.Namespace), validation.IsDNS1123Subdomain(metadata.Name))
	if kind == "Service" {
		problems = append(problems, validation.IsDNS1035Label(metadata.Name)...)
	}
	for key, value := range metadata.Labels {
		problems = slices.Concat(problems, validation.IsQualifiedName(key), validation.IsValidLabelValue(value))
	}
	for key := range metadata.Annotations {
		problems = append(problems, validation.IsQualifiedName(key)...)
	}
	return problems
}

func into[T any](document string, object **T) error {
	if *object != nil {
		return fmt.Errorf("is there twice")
	}
	*object = new(T)
	return yaml.UnmarshalStrict([]byte(document), *object)
}

func TestKinds(t *testing.T) {
	always := []string{"Deployment", "Service", "Pod"}
	want := map[string][]string{
		"minimal":        {"ConfigMap", "ServiceAccount"},
		"defaults":       {"ConfigMap", "ServiceAccount"},
		"full":           {"ConfigMap", "ServiceAccount", "ServiceMonitor", "PrometheusRule", "ConfigMap", "NetworkPolicy", "Ingress", "Secret"},
		"replicas":       {"ConfigMap", "ServiceAccount", "ServiceMonitor", "PrometheusRule", "ConfigMap", "PodDisruptionBudget"},
		"probe":          {"ConfigMap", "ServiceMonitor", "ScrapeConfig"},
		"network-policy": {"ConfigMap", "ServiceAccount", "NetworkPolicy"},
		"openshift":      {"ConfigMap", "ServiceAccount"},
		"config-secret":  {"ServiceAccount"},
		"secured": {
			"ConfigMap", "ServiceAccount", "Ingress", "ConfigMap in grafana",
			"PodMonitor in prometheus", "ScrapeConfig in prometheus", "PrometheusRule in prometheus",
		},
	}
	forEachSet(t, func(t *testing.T, name string) {
		got := render(t, name).kinds
		if want := slices.Sorted(slices.Values(append(want[name], always...))); !slices.Equal(got, want) {
			t.Errorf("kinds %q, want %q", got, want)
		}
	})
}

// Misspelled fields in templates are rejected.
func TestDecodeIsStrict(t *testing.T) {
	out, problem, err := template(t, "--values="+values("full"))
	if err != nil {
		t.Fatalf("%v\n%s", err, problem)
	}
	secured, problem, err := template(t, "--values="+values("secured"))
	if err != nil {
		t.Fatalf("%v\n%s", err, problem)
	}
	tests := []struct{ in, old, misspelt, want string }{
		{out, "containerPort:", "contanerPort:", `apps/v1 Deployment: error unmarshaling JSON: while decoding JSON: json: unknown field "contanerPort"`},
		{out, "targetPort:", "targetPrt:", `v1 Service: error unmarshaling JSON: while decoding JSON: json: unknown field "targetPrt"`},
		{out, "ipBlock:", "ipBlok:", `networking.k8s.io/v1 NetworkPolicy: error unmarshaling JSON: while decoding JSON: json: unknown field "ipBlok"`},
		{out, "scrapeTimeout:", "scrapeTimout:", `monitoring.coreos.com/v1 ServiceMonitor: error unmarshaling JSON: while decoding JSON: json: unknown field "scrapeTimout"`},
		{out, "annotations: &", "annotation: &", `monitoring.coreos.com/v1 PrometheusRule: error unmarshaling JSON: while decoding JSON: json: unknown field "annotation"`},
		{out, "ingressClassName:", "ingressClass:", `networking.k8s.io/v1 Ingress: error unmarshaling JSON: while decoding JSON: json: unknown field "ingressClass"`},
		{secured, "podMetricsEndpoints:", "podMetricEndpoints:", `monitoring.coreos.com/v1 PodMonitor: error unmarshaling JSON: while decoding JSON: json: unknown field "podMetricEndpoints"`},
		{secured, "restartPolicy:", "restartPolicies:", `v1 Pod: error unmarshaling JSON: while decoding JSON: json: unknown field "restartPolicies"`},
		{secured, "httpSDConfigs:", "httpSDConfig:", `monitoring.coreos.com/v1alpha1 ScrapeConfig: error unmarshaling JSON: while decoding JSON: json: unknown field "httpSDConfig"`},
	}
	for _, test := range tests {
		t.Run(test.misspelt, func(t *testing.T) {
			if _, err := decode(replace(t, test.in, test.old, test.misspelt)); err == nil || err.Error() != test.want {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
	for old, bad := range map[string]string{
		"name: test-opsmanager-exporter\n": "name: test.opsmanager.exporter\n", // of a Service
		"release: prometheus":              "release: prometheus-", "example.net/owner": "/owner", "namespace: monitoring": "namespace: a.b",
	} {
		if _, err := decode(replace(t, out, old, bad)); err == nil || !strings.Contains(err.Error(), "invalid metadata") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
