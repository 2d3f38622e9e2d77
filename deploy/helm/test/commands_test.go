package chart_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The README's commands install the image that make image builds, and on OpenShift
// without a user and groups.
func TestCommands(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		need(t, "make")
	}
	need(t, helm)
	need(t, helm4)
	readme := read(t, filepath.Join(chart, "README.md"))
	file := filepath.Join(t.TempDir(), "values.yaml")
	write(t, file, regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(readme)[1])
	shell := func(command string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	image := "images.example.net/" + strings.TrimSpace(shell(`make --no-print-directory --eval='print: ; @echo $(IMAGE)' print`))
	install := regexp.MustCompile(`(?m)^helm upgrade --install (?:.*\\\n)*.*`).FindAllString(readme, -1)
	if len(install) != 2 || strings.Contains(install[1], "\n") {
		t.Fatalf("commands %q", install)
	}
	for i, command := range install {
		for _, program := range []string{".bin/helm", ".bin/helm4"} {
			command := strings.NewReplacer("helm upgrade --install", program+" template", "values.yaml", file).Replace(command)
			m, err := decode(shell(command))
			if err != nil {
				t.Fatal(err)
			}
			pod := m.deployment.Spec.Template.Spec
			if got := pod.Containers[0].Image; got != image {
				t.Errorf("%s: the image is %s, want %s", command, got, image)
			}
			c := pod.SecurityContext
			if set := c.RunAsUser != nil || c.RunAsGroup != nil || c.FSGroup != nil; set != (i == 0) {
				t.Errorf("%s: %+v", command, c)
			}
		}
	}
}
