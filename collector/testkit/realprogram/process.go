package realprogram

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/testlog"
)

const (
	// startTimeout is far above what a start takes, for machines that run many
	// tests at once.
	startTimeout = 2 * time.Minute
	// stopTimeout is far above the 10 s in which Apache kills its children.
	stopTimeout = time.Minute
)

// Process is a running program. It ends with the test that started it, and its
// output is shown if the test fails. Its methods are for the goroutine of the
// test.
type Process struct {
	// Log is what it printed.
	Log testlog.Buffer

	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
}

// Start starts a program.
func Start(tb testing.TB, cmd *exec.Cmd) *Process {
	tb.Helper()
	ci.Long(tb)
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.Log, &p.Log
	cmd.WaitDelay = stopTimeout // a child of its own may keep its output open
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // what it has to say is in the log
	}()
	tb.Cleanup(func() {
		p.Stop(tb)
		if tb.Failed() {
			tb.Logf("%s:\n%s", filepath.Base(cmd.Path), p.Log.String())
		}
	})
	return p
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal.
func (p *Process) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		tb.Fatalf("send %s to %s: %v", signal, p.cmd.Path, err)
	}
}

// Ready waits until check returns nil. It returns false if the program ended
// before.
func (p *Process) Ready(tb testing.TB, check func() error) bool {
	tb.Helper()
	ended := false
	Await(tb, startTimeout, func() error {
		select {
		case <-p.exited:
			ended = true
			return nil
		default:
			return check()
		}
	})
	return !ended
}

// Stop ends the program, and returns when it has ended. Further calls do
// nothing. It asks first: some programs take their children with them only when
// they are asked.
func (p *Process) Stop(tb testing.TB) {
	tb.Helper()
	if runtime.GOOS == "windows" { // which knows no other way
		_ = p.cmd.Process.Kill()
	} else if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Error(err)
	}
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.exited
		tb.Errorf("%s did not end within %v", p.cmd.Path, stopTimeout)
	}
}
