package chart_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// compact returns the JSON of an object without empty fields.
func compact(t *testing.T, object any) string {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A handler in the values replaces the default one, and null disables a probe.
func TestProbes(t *testing.T) {
	for _, test := range []struct{ name, values, liveness, readiness string }{
		{"default", "replicas=1", `{"httpGet":{"path":"/-/healthy","port":"http","scheme":"HTTP"}}`, `{"httpGet":{"path":"/-/ready","port":"http","scheme":"HTTP"}}`},
		{
			"exec", "livenessProbe.exec.command={/bin/opsmanager_exporter,healthcheck},livenessProbe.periodSeconds=7",
			`{"exec":{"command":["/bin/opsmanager_exporter","healthcheck"]},"periodSeconds":7}`, `{"httpGet":{"path":"/-/ready","port":"http","scheme":"HTTP"}}`,
		},
		{"tcpSocket and grpc", "livenessProbe.tcpSocket.port=http,readinessProbe.grpc.port=1", `{"tcpSocket":{"port":"http"}}`, `{"grpc":{"port":1,"service":null}}`},
		{"none", "livenessProbe=null,readinessProbe=null", "null", "null"},
		{
			"httpGet", "livenessProbe.httpGet.path=/,readinessProbe.httpGet.scheme=HTTP,service.scheme=https,extraArgs={--web.route-prefix=/x}",
			`{"httpGet":{"path":"/x/","port":"http","scheme":"HTTPS"}}`, `{"httpGet":{"path":"/x/-/ready","port":"http","scheme":"HTTP"}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			container := render(t, "minimal", "--set="+test.values).deployment.Spec.Template.Spec.Containers[0]
			if got := compact(t, container.LivenessProbe); got != test.liveness {
				t.Errorf("liveness %s, want %s", got, test.liveness)
			}
			if got := compact(t, container.ReadinessProbe); got != test.readiness {
				t.Errorf("readiness %s, want %s", got, test.readiness)
			}
		})
	}
}

// The default rollingUpdate does not remain beside another type.
func TestStrategy(t *testing.T) {
	for values, want := range map[string]string{
		"replicas=1":                          `{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":0,"maxSurge":1}}`,
		"strategy.type=Recreate":              `{"type":"Recreate"}`,
		"strategy.rollingUpdate.maxSurge=50%": `{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":0,"maxSurge":"50%"}}`,
	} {
		if got := compact(t, render(t, "minimal", "--set="+values).deployment.Spec.Strategy); got != want {
			t.Errorf("%s: %s, want %s", values, got, want)
		}
	}
}

func TestImage(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	for values, want := range map[string]string{
		"replicas=1":                                "images.example.net/opsmanager_exporter:0.1.0",
		"image.tag=1.2.3-4-abc":                     "images.example.net/opsmanager_exporter:1.2.3-4-abc",
		"image.tag=1.2.3,image.digest=" + digest:    "images.example.net/opsmanager_exporter@" + digest,
		"image.registry=a:5000,image.repository=b":  "a:5000/b:0.1.0",
		"global.imageRegistry=c,image.registry=a":   "c/images.example.net/opsmanager_exporter:0.1.0",
		"global.other.value=1,image.repository=a/b": "a/b:0.1.0",
	} {
		m := render(t, "minimal", "--set="+values)
		for _, pod := range []corev1.PodSpec{m.deployment.Spec.Template.Spec, m.hook.Spec} {
			if got := pod.Containers[0].Image; got != want {
				t.Errorf("%s: %s, want %s", values, got, want)
			}
		}
	}
}

// Values that are fields of Kubernetes reach them unchanged.
func TestFields(t *testing.T) {
	var values map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "../opsmanager-exporter/ci/full-values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	m := render(t, "full")
	pod := m.deployment.Spec.Template.Spec
	container := pod.Containers[0]
	for name, got := range map[string]any{
		"imagePullSecrets": pod.ImagePullSecrets, "priorityClassName": pod.PriorityClassName, "hostAliases": pod.HostAliases,
		"dnsPolicy": pod.DNSPolicy, "dnsConfig": pod.DNSConfig, "nodeSelector": pod.NodeSelector, "tolerations": pod.Tolerations,
		"affinity": pod.Affinity, "extraInitContainers": pod.InitContainers, "extraContainers": pod.Containers[1:],
		"extraEnv": container.Env, "extraEnvFrom": container.EnvFrom, "extraVolumes": pod.Volumes[3:], "extraVolumeMounts": container.VolumeMounts[3:],
		"extraArgs": container.Args[3:], "revisionHistoryLimit": m.deployment.Spec.RevisionHistoryLimit, "deploymentAnnotations": m.deployment.Annotations,
	} {
		var field any
		if err := yaml.Unmarshal([]byte(compact(t, got)), &field); err != nil {
			t.Fatal(err)
		}
		if want := values[name]; want == nil || !reflect.DeepEqual(without(field), without(want)) {
			t.Errorf("%s: %+v, want %+v", name, field, want)
		}
	}
	for name, got := range map[string]map[string]string{"podLabels": m.hook.Labels, "podAnnotations": m.hook.Annotations} {
		for key, want := range values[name].(map[string]any) {
			if got[key] != want && key != "app.kubernetes.io/name" {
				t.Errorf("helm test: %s: %s is %q, want %q", name, key, got[key], want)
			}
		}
	}
	if m.extra.Name != "test-extra" || m.extra.Namespace != "monitoring" {
		t.Errorf("the extra manifest is %+v", m.extra.ObjectMeta)
	}
}

// without removes empty mappings, which the types of Kubernetes add.
func without(value any) any {
	switch value := value.(type) {
	case map[string]any:
		kept := make(map[string]any)
		for key, v := range value {
			if inner, ok := v.(map[string]any); !ok || len(inner) > 0 {
				kept[key] = without(v)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(value))
		for i, v := range value {
			kept[i] = without(v)
		}
		return kept
	}
	return value
}
