package realprogram

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the kernel terminate the process if the test binary ends without
// running its cleanups, for example after a panic or a timeout of go test.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
