package chart_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

func TestService(t *testing.T) {
	service := render(t, "full").service
	spec := service.Spec
	if spec.Type != corev1.ServiceTypeLoadBalancer || spec.Ports[0].Port != 80 || spec.Ports[0].NodePort != 30301 || spec.Ports[0].TargetPort.String() != "http" {
		t.Errorf("type %s, ports %+v", spec.Type, spec.Ports)
	}
	if !slices.Equal(spec.LoadBalancerSourceRanges, []string{"192.0.2.0/24"}) || spec.ExternalTrafficPolicy != "Local" {
		t.Errorf("%+v", spec)
	}
	if service.Labels["expose"] != "true" || service.Labels["team"] != "migration" || service.Annotations["example.net/owner"] != "migration" {
		t.Errorf("%+v", service.ObjectMeta)
	}
	if service := render(t, "minimal").service; service.Spec.Type != corev1.ServiceTypeClusterIP || service.Spec.Ports[0].NodePort != 0 {
		t.Errorf("%+v", service)
	}
}

// The Ingress and the links lead to the status page.
func TestIngress(t *testing.T) {
	for _, test := range []struct{ name, values, path, page string }{
		{"plain", "ingress.hosts={a.example.net}", "a.example.net/", "http://a.example.net"},
		{
			"two hosts, with TLS", "ingress.hosts={a.example.net,b.example.net},ingress.tls[0].secretName=x",
			"a.example.net/ b.example.net/", "https://a.example.net",
		},
		{"external URL", "extraArgs={--web.external-url=https://a.example.net/links}", "a.example.net/links/", "http://a.example.net/links"},
		{
			"a prefix that the Ingress removes", "extraArgs={--web.external-url=https://a.example.net/links/,--web.route-prefix=/}",
			"a.example.net/links/", "http://a.example.net/links",
		},
		{"route prefix", "extraArgs={--web.route-prefix=links}", "a.example.net/links/", "http://a.example.net/links"},
		{"path", "ingress.path=/links(/|$)(.*),ingress.pathType=ImplementationSpecific,prometheusRule.links.statusPage=https://b.example.net", "a.example.net/links(/|$)(.*)", "https://b.example.net"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := render(t, "replicas", "--set=ingress.enabled=true,ingress.hosts={a.example.net}", "--set="+test.values)
			var paths []string
			for _, rule := range m.ingress.Spec.Rules {
				path := rule.HTTP.Paths[0]
				paths = append(paths, rule.Host+path.Path)
				if backend := path.Backend.Service; backend.Name != m.service.Name || backend.Port.Name != m.service.Spec.Ports[0].Name {
					t.Errorf("backend %+v", backend)
				}
			}
			if got := strings.Join(paths, " "); got != test.path {
				t.Errorf("paths %s, want %s", got, test.path)
			}
			groups := m.prometheusRule.Spec.Groups
			if got := groups[len(groups)-1].Rules[0].Labels["url"]; got != test.page {
				t.Errorf("the status page is %s, want %s", got, test.page)
			}
		})
	}
	if got := render(t, "secured").ingress.Spec.Rules[0].HTTP.Paths[0].PathType; *got != networkingv1.PathTypeExact {
		t.Errorf("path type %s", *got)
	}
	full := render(t, "full").ingress
	if got := full.Spec.Rules[0].HTTP.Paths[0].PathType; *got != networkingv1.PathTypePrefix {
		t.Errorf("path type %s", *got)
	}
	if *full.Spec.IngressClassName != "nginx" || full.Spec.TLS[0].SecretName != "exporter-tls" || full.Labels["expose"] != "true" || full.Annotations["example.net/owner"] != "migration" {
		t.Errorf("%+v", full)
	}
}

// A release with a dot in its name gets a Service without.
func TestNames(t *testing.T) {
	for release, want := range map[string]string{
		"a":                     "a-opsmanager-exporter",
		"a.b":                   "a-b-opsmanager-exporter",
		"opsmanager-exporter.b": "opsmanager-exporter-b",
		strings.Repeat("a", 53): fmt.Sprintf("%s-opsmanage", strings.Repeat("a", 53)),
	} {
		for _, program := range []string{helm, helm4} {
			out, problem, err := run(t, program, "template", release, chart, "--namespace=monitoring")
			if err != nil {
				t.Fatalf("%v\n%s", err, problem)
			}
			m, err := decode(out)
			if err != nil {
				t.Fatal(err)
			}
			if m.service.Name != want || m.deployment.Name != want || m.deployment.Spec.Selector.MatchLabels["app.kubernetes.io/instance"] != release {
				t.Errorf("release %s: %s, want %s", release, m.service.Name, want)
			}
		}
	}
}
