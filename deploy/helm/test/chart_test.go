package chart_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestLint(t *testing.T) {
	forEachSet(t, func(t *testing.T, name string) {
		for _, program := range []string{helm, helm4} {
			if out, problem, err := run(t, program, "lint", "--strict", "--values="+values(name), chart); err != nil {
				t.Errorf("%s: %v\n%s%s", filepath.Base(program), err, out, problem)
			}
		}
	})
}

// All selectors of pods and the Service match their labels and ports.
func TestSelectors(t *testing.T) {
	contains := func(t *testing.T, what string, labels, selector map[string]string) {
		t.Helper()
		if len(selector) != 2 {
			t.Errorf("%s selects %v", what, selector)
		}
		for label, value := range selector {
			if labels[label] != value {
				t.Errorf("%s selects %s=%s, which is %q", what, label, value, labels[label])
			}
		}
	}
	forEachSet(t, func(t *testing.T, name string) {
		m := render(t, name)
		pod := m.deployment.Spec.Template
		contains(t, "Deployment", pod.Labels, m.deployment.Spec.Selector.MatchLabels)
		contains(t, "Service", pod.Labels, m.service.Spec.Selector)
		if m.networkPolicy != nil {
			contains(t, "NetworkPolicy", pod.Labels, m.networkPolicy.Spec.PodSelector.MatchLabels)
		}
		if m.budget != nil {
			contains(t, "PodDisruptionBudget", pod.Labels, m.budget.Spec.Selector.MatchLabels)
		}
		for _, constraint := range pod.Spec.TopologySpreadConstraints {
			contains(t, "TopologySpreadConstraint", pod.Labels, constraint.LabelSelector.MatchLabels)
		}
		container := pod.Spec.Containers[0]
		if ports := container.Ports; len(ports) != 1 || ports[0].Name != "http" ||
			container.Args[2] != fmt.Sprintf("--web.listen-address=:%d", ports[0].ContainerPort) {
			t.Errorf("container ports %+v, arguments %q", ports, container.Args)
		}
		if port := m.service.Spec.Ports[0]; port.Name != "http" || port.TargetPort.String() != "http" {
			t.Errorf("service port %+v", port)
		}
		if m.serviceMonitor != nil {
			contains(t, "ServiceMonitor", m.service.Labels, m.serviceMonitor.Spec.Selector.MatchLabels)
			if endpoints := m.serviceMonitor.Spec.Endpoints; len(endpoints) != 1 || endpoints[0].Port != "http" {
				t.Errorf("endpoints %+v", endpoints)
			}
		}
		if m.podMonitor != nil {
			contains(t, "PodMonitor", pod.Labels, m.podMonitor.Spec.Selector.MatchLabels)
			if endpoints := m.podMonitor.Spec.PodMetricsEndpoints; len(endpoints) != 1 || *endpoints[0].Port != "http" {
				t.Errorf("endpoints %+v", endpoints)
			}
		}
		if key := "app.kubernetes.io/name"; m.hook.Labels[key] == pod.Labels[key] {
			t.Errorf("the pod of helm test is selected too: %v", m.hook.Labels)
		}
		account := "default"
		if m.serviceAccount != nil {
			account = m.serviceAccount.Name
			if mount := m.serviceAccount.AutomountServiceAccountToken; mount == nil || *mount {
				t.Error("the service account's token is mounted")
			}
		}
		if pod.Spec.ServiceAccountName != account {
			t.Errorf("service account %q, want %q", pod.Spec.ServiceAccountName, account)
		}
	})
}

// A key that is changed in its Secret is updated in the running pod, readable only by the
// exporter's group.
func TestMounts(t *testing.T) {
	forEachSet(t, func(t *testing.T, name string) {
		m := render(t, name)
		pod := m.deployment.Spec.Template.Spec
		mounts := make(map[string]string)
		for _, mount := range pod.Containers[0].VolumeMounts {
			if mount.SubPath != "" || mount.SubPathExpr != "" || !mount.ReadOnly {
				t.Errorf("mount %+v", mount)
			}
			mounts[mount.Name] = mount.MountPath
		}
		secrets := 0
		for _, volume := range pod.Volumes {
			switch {
			case volume.Secret != nil && volume.Name != "config":
				secrets++
				if mode := volume.Secret.DefaultMode; mode == nil || *mode != 0o440 || volume.Secret.Items != nil {
					t.Errorf("secret %+v", volume.Secret)
				}
				if path := mounts[volume.Name]; path != "/secrets/"+volume.Secret.SecretName {
					t.Errorf("secret %s is at %q", volume.Secret.SecretName, path)
				}
				if optional := volume.Secret.Optional; optional == nil || *optional != (volume.Secret.SecretName != "production") {
					t.Errorf("secret %s is optional, or is not: %t", volume.Secret.SecretName, optional != nil && *optional)
				}
			case volume.Name == "config":
				var want corev1.VolumeSource
				if name == "config-secret" {
					want.Secret = &corev1.SecretVolumeSource{SecretName: "exporter.configuration", DefaultMode: new(int32(0o440))}
				} else {
					want.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: m.config.Name}, DefaultMode: new(int32(0o440))}
				}
				if !reflect.DeepEqual(volume.VolumeSource, want) || mounts[volume.Name] != "/etc/opsmanager_exporter" {
					t.Errorf("configuration %+v at %q", volume.VolumeSource, mounts[volume.Name])
				}
			}
		}
		if want, ok := map[string]int{"full": 2, "secured": 2, "config-secret": 0}[name]; secrets != want && (ok || secrets != 1) {
			t.Errorf("%d secrets", secrets)
		}
		file := "opsmanager.yml"
		if name == "config-secret" {
			file = "exporter.prod.yml"
		}
		if want := []string{"serve", "--config.file=/etc/opsmanager_exporter/" + file}; !slices.Equal(pod.Containers[0].Args[:2], want) {
			t.Errorf("arguments %q", pod.Containers[0].Args)
		}
	})
}

// Changing the configuration replaces the pods; other changes do not.
func TestRollout(t *testing.T) {
	checksum := func(args ...string) string {
		t.Helper()
		sum := render(t, "minimal", args...).deployment.Spec.Template.Annotations["checksum/config"]
		if len(sum) != 64 {
			t.Fatalf("checksum %q", sum)
		}
		return sum
	}
	before := checksum()
	if after := checksum("--set=config.ops_managers[0].timeout=6s"); after == before {
		t.Error("the same after a change of the configuration")
	}
	if after := checksum("--set=serviceMonitor.enabled=true,commonLabels.team=x"); after != before {
		t.Error("another without a change of the configuration")
	}
}
