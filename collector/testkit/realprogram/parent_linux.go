package realprogram

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the kernel stop the process when the test binary ends
// without running its cleanups, as after a panic or a timeout of go test.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
