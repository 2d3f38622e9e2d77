package realprometheus

import (
	"os"
	"path/filepath"
)

// root returns the root directory of the project, found by main.go above the working
// directory of the test. go.mod would not do: dashboards/ and deploy/ have modules too.
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
