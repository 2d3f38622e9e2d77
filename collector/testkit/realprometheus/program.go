package realprometheus

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root returns the folder of the project: the one with main.go, above the one
// that a test runs in. A module below dashboards/ or deploy/ is not the project.
func root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "main.go")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

// Need skips the test, or fails it in CI, if a program is not there.
func Need(tb testing.TB, paths ...string) {
	tb.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			tb.Fatalf("%s is not installed; .ci/run shows how", path)
		}
		tb.Skipf("%s is not installed; .ci/run shows how", path)
	}
}

// Run runs a program to its end and returns what it printed. An exit status
// other than 0 is an error.
func Run(tb testing.TB, binary string, args ...string) (output string, err error) {
	tb.Helper()
	Need(tb, binary)
	out, err := exec.CommandContext(tb.Context(), binary, args...).CombinedOutput()
	return string(out), err
}

// Replace replaces text that must be there: a test that changes a shipped file
// must not go on with an unchanged one.
func Replace(tb testing.TB, text, old, replacement string) string {
	tb.Helper()
	if !strings.Contains(text, old) {
		tb.Fatalf("there is no %q to replace in:\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, replacement)
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}
