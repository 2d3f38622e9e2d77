package readme_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/testfile"
)

// CI names its phases if asked for another one, and CONTRIBUTING.md explains each.
func TestPhases(t *testing.T) {
	script := filepath.Join(root, ".ci/run")
	testfile.Read(t, script) // the test cache notices that it changed
	out, err := exec.CommandContext(t.Context(), realprogram.Find(t, "bash"), script, "lint", "no-phase").CombinedOutput()
	phases, ok := strings.CutPrefix(strings.TrimSpace(string(out)), "there is no phase no-phase; there are: ")
	if err == nil || !ok {
		t.Fatalf("%v: %s", err, out)
	}
	text := testfile.Read(t, filepath.Join(root, "CONTRIBUTING.md"))
	for phase := range strings.FieldsSeq(phases) {
		if !strings.Contains(text, "`"+phase+"`") {
			t.Errorf("CONTRIBUTING.md does not mention the phase %s", phase)
		}
	}
}
