package realprometheus

import (
	"os"
	"path/filepath"
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
