package chart_test

import (
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// forbidden returns how a pod violates the restricted Pod Security Standard.
func forbidden(t *testing.T, pod *corev1.PodTemplateSpec) string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	results := evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec)
	if len(results) == 0 {
		t.Fatal("nothing was checked")
	}
	all := policy.AggregateCheckResults(results)
	return all.ForbiddenDetail()
}

func TestPodSecurity(t *testing.T) {
	forEachSet(t, func(t *testing.T, name string) {
		m := render(t, name)
		pod := &m.deployment.Spec.Template
		if detail := forbidden(t, pod); detail != "" {
			t.Error(detail)
		}
		if detail := forbidden(t, &corev1.PodTemplateSpec{ObjectMeta: m.hook.ObjectMeta, Spec: m.hook.Spec}); detail != "" {
			t.Errorf("helm test: %s", detail)
		}
		// In addition to the standard.
		container := pod.Spec.Containers[0].SecurityContext
		var id *int64
		if name != "openshift" {
			id = new(int64(65534))
		}
		if c := pod.Spec.SecurityContext; !reflect.DeepEqual([]*int64{c.RunAsUser, c.RunAsGroup, c.FSGroup}, []*int64{id, id, id}) || container.RunAsUser != nil {
			t.Errorf("the user or a group is not %v: %+v %+v", id, c, container)
		}
		if readOnly := container.ReadOnlyRootFilesystem; readOnly == nil || !*readOnly {
			t.Error("the root file system can be written")
		}
		if mount := pod.Spec.AutomountServiceAccountToken; mount == nil || *mount {
			t.Error("the pod gets a token")
		}
	})
	for option, want := range map[string]string{
		"securityContext.allowPrivilegeEscalation=true":          "allowPrivilegeEscalation != false",
		"securityContext.capabilities.drop=null":                 "unrestricted capabilities",
		"podSecurityContext.runAsNonRoot=null":                   "runAsNonRoot != true",
		"podSecurityContext.runAsUser=0":                         "runAsUser=0",
		"podSecurityContext.seccompProfile.type=Unconfined":      "seccompProfile",
		"extraVolumes[0].name=x,extraVolumes[0].hostPath.path=/": "restricted volume types",
	} {
		if detail := forbidden(t, &render(t, "minimal", "--set="+option).deployment.Spec.Template); !strings.Contains(detail, want) {
			t.Errorf("%s: %q, want %q", option, detail, want)
		}
	}
}
