//go:build !linux

package realprogram

import "os/exec"

// endWithParent does nothing: only Linux supports it.
func endWithParent(*exec.Cmd) {}
