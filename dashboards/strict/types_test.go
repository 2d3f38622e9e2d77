package strict_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const compiler = "node_modules/.bin/tsc"

// problems returns what the TypeScript compiler finds in a dashboard, by the
// types that Grafana publishes.
func problems(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	file, typed := filepath.Join(dir, "dashboard.json"), filepath.Join(dir, "dashboard.ts")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := exec.CommandContext(t.Context(), "node", "types.mjs", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(typed, source, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), compiler, "--noEmit", "--strict", "--skipLibCheck", "--module", "esnext",
		"--moduleResolution", "bundler", "--target", "es2022", typed).CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return string(out)
}

func TestTypes(t *testing.T) {
	if _, err := os.Stat(compiler); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: run npm ci", err)
		}
		t.Skipf("%v: run npm ci", err)
	}
	file, err := os.ReadFile("../migration-links.json")
	if err != nil {
		t.Fatal(err)
	}
	text := string(file)
	if found := problems(t, text); found != "" {
		t.Error(found)
	}
	// Misspelt, and what is said of it; the types of Go do not find these.
	broken := text
	wanted := []string{`'"fiscalYearStartMoth"' does not exist`}
	for old, value := range map[string]string{`"drawStyle": "bars"`: "brs", `"sort": "desc"`: "dsc", `"cellHeight": "sm"`: "xs"} {
		key, _, _ := strings.Cut(old, ":")
		broken = replace(t, broken, old, key+`: "`+value+`"`)
		wanted = append(wanted, `Type '"`+value+`"' is not assignable`)
	}
	found := problems(t, replace(t, broken, "fiscalYearStartMonth", "fiscalYearStartMoth"))
	for _, want := range wanted {
		if !strings.Contains(found, want) {
			t.Errorf("no %q in\n%s", want, found)
		}
	}
}

func replace(t *testing.T, text, old, replacement string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("no %s in the dashboard", old)
	}
	return strings.ReplaceAll(text, old, replacement)
}
