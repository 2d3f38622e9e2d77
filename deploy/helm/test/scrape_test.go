package chart_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// relabels returns a short form of relabelings.
func relabels(configs []monitoringv1.RelabelConfig) []string {
	var short []string
	for _, c := range configs {
		if c.Replacement != nil {
			short = append(short, c.TargetLabel+"="+*c.Replacement)
		} else {
			short = append(short, fmt.Sprintf("%s %s from %s", c.Action, c.TargetLabel, c.SourceLabels))
		}
	}
	return short
}

// The alerts need the job, and one instance per exporter.
func TestJob(t *testing.T) {
	tests := []struct {
		name, interval, timeout string
		params                  map[string][]string
		relabelings             []string
	}{
		{"full", "30s", "20s", nil, []string{"job=opsmanager", "instance=test-opsmanager-exporter.monitoring.svc:80", "cluster=west"}},
		{"replicas", "60s", "15s", nil, []string{"job=opsmanager"}},
		{
			"probe", "60s", "15s",
			map[string][]string{"collect[]": {"exporter"}},
			[]string{"job=opsmanager_exporter", "instance=migration-links.monitoring.svc:20301"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint := render(t, test.name).serviceMonitor.Spec.Endpoints[0]
			if got := relabels(endpoint.RelabelConfigs); !slices.Equal(got, test.relabelings) {
				t.Errorf("relabelings %q, want %q", got, test.relabelings)
			}
			if string(endpoint.Interval) != test.interval || string(endpoint.ScrapeTimeout) != test.timeout {
				t.Errorf("every %s, at most %s", endpoint.Interval, endpoint.ScrapeTimeout)
			}
			if !maps.EqualFunc(endpoint.Params, test.params, slices.Equal) {
				t.Errorf("parameters %q, want %q", endpoint.Params, test.params)
			}
		})
	}
	t.Run("ScrapeConfig", func(t *testing.T) {
		m := render(t, "probe")
		spec := m.scrapeConfig.Spec
		if want := []string{
			"job=opsmanager", "__scheme__=http", "__address__=migration-links.monitoring.svc:20301", "__metrics_path__=/probe",
			" __tmp_hash from [instance]", "hashmod __tmp_shard from [instance]", "keep  from [__tmp_shard]",
		}; !slices.Equal(relabels(spec.RelabelConfigs), want) {
			t.Errorf("relabelings %q, want %q", relabels(spec.RelabelConfigs), want)
		}
		url := fmt.Sprintf("http://%s.%s.svc:%d/sd", m.service.Name, m.service.Namespace, m.service.Spec.Ports[0].Port)
		if sd := spec.HTTPSDConfigs; len(sd) != 1 || string(sd[0].URL) != url {
			t.Errorf("service discovery %+v, want %s", sd, url)
		}
	})
}

func TestNetworkPolicy(t *testing.T) {
	tests := map[string][]string{
		"network-policy": {"192.0.2.10/32 TCP/8443"},
		"full": {
			"UDP/53 TCP/53 UDP/5353 TCP/5353",
			"192.0.2.10/32 2001:db8::/32 TCP/8443 TCP/443",
			"198.51.100.1/32 TCP/3128",
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			spec := render(t, name).networkPolicy.Spec
			if types := spec.PolicyTypes; !slices.Equal(types, []networkingv1.PolicyType{"Ingress", "Egress"}) {
				t.Errorf("types %q", types)
			}
			var got []string
			for _, rule := range spec.Egress {
				line := ""
				for _, peer := range rule.To {
					if peer.IPBlock != nil {
						line += " " + peer.IPBlock.CIDR
					}
				}
				for _, port := range rule.Ports {
					line += fmt.Sprintf(" %s/%s", *port.Protocol, port.Port)
				}
				got = append(got, line[1:])
			}
			if !slices.Equal(got, want) {
				t.Errorf("egress %q, want %q", got, want)
			}
			if in := spec.Ingress; len(in) != 1 || len(in[0].Ports) != 1 || in[0].Ports[0].Port.String() != "http" || len(in[0].From) != len(want)/2 {
				t.Errorf("ingress %+v", in)
			}
		})
	}
}

// All requests to the exporter use its prefix.
func TestPrefix(t *testing.T) {
	for _, test := range []struct{ name, args, want string }{
		{"none", "", ""},
		{"external URL", "extraArgs={--web.external-url=https://exporter.example.net/om/}", "/om"},
		{"stripped in front", "extraArgs={--web.external-url=https://exporter.example.net/om,--web.route-prefix=/}", ""},
		{"route prefix", "extraArgs={--web.route-prefix=/a/b}", "/a/b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			options := []string{}
			if test.args != "" {
				options = append(options, "--set="+test.args)
			}
			m := render(t, "probe", options...)
			container := m.deployment.Spec.Template.Spec.Containers[0]
			got := map[string]string{
				"liveness":       container.LivenessProbe.HTTPGet.Path,
				"readiness":      container.ReadinessProbe.HTTPGet.Path,
				"ServiceMonitor": m.serviceMonitor.Spec.Endpoints[0].Path,
				"ScrapeConfig":   string(m.scrapeConfig.Spec.HTTPSDConfigs[0].URL),
			}
			want := map[string]string{
				"liveness": test.want + "/-/healthy", "readiness": test.want + "/-/ready", "ServiceMonitor": test.want + "/metrics",
				"ScrapeConfig": "http://migration-links.monitoring.svc:20301" + test.want + "/sd",
			}
			if !maps.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

// Monitors in other namespaces find the exporter, use its scheme and present credentials.
func TestAccess(t *testing.T) {
	m := render(t, "secured")
	if got := m.podMonitor.Spec.NamespaceSelector.MatchNames; !slices.Equal(got, []string{"monitoring"}) {
		t.Errorf("the PodMonitor selects namespaces %q", got)
	}
	endpoint := m.podMonitor.Spec.PodMetricsEndpoints[0]
	if endpoint.Scheme.String() != "https" || *endpoint.TLSConfig.ServerName != "exporter.example.net" ||
		endpoint.BasicAuth.Password.Name != "exporter" || endpoint.Authorization != nil {
		t.Errorf("endpoint %+v", endpoint)
	}
	if endpoint.Path != "/links/values" || !slices.Contains(relabels(endpoint.RelabelConfigs), "instance=test-opsmanager-exporter.monitoring.svc:20301") {
		t.Errorf("endpoint %+v", endpoint)
	}
	spec := m.scrapeConfig.Spec
	sd := spec.HTTPSDConfigs[0]
	if !reflect.DeepEqual(sd.TLSConfig, spec.TLSConfig) || !reflect.DeepEqual(sd.Authorization, spec.Authorization) || spec.BasicAuth != nil {
		t.Errorf("service discovery %+v, scrapes %+v", sd, spec)
	}
	if spec.TLSConfig.CA.Secret.Name != "exporter" || spec.Authorization.Credentials.Key != "token" || *spec.SampleLimit != 10 {
		t.Errorf("scrapes %+v", spec)
	}
	if sd.URL != "https://test-opsmanager-exporter.monitoring.svc:20301/links/sd" || !slices.Contains(relabels(spec.RelabelConfigs), "__scheme__=https") ||
		!slices.Contains(relabels(spec.RelabelConfigs), "__metrics_path__=/links/probe") {
		t.Errorf("service discovery %+v, relabelings %q", sd, relabels(spec.RelabelConfigs))
	}
	// What the values say about the endpoint takes precedence, as for a mesh.
	mesh := render(t, "minimal", "--set=serviceMonitor.enabled=true,serviceMonitor.endpoint.scheme=https,serviceMonitor.tlsConfig.insecureSkipVerify=true")
	if e := mesh.serviceMonitor.Spec.Endpoints[0]; e.Scheme.String() != "https" || !*e.TLSConfig.InsecureSkipVerify {
		t.Errorf("endpoint %+v", e)
	}
}
