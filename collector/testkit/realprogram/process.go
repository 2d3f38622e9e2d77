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
	// startTimeout is far longer than a start takes, for machines under heavy load.
	startTimeout = 2 * time.Minute
	// stopTimeout is far longer than the 10 s after which Apache kills its children.
	stopTimeout = time.Minute
)

// Process is a running program. It ends with the test that started it, and its output is
// logged if the test fails. Its methods must be called from the goroutine of the test.
type Process struct {
	// Log is the program's output.
	Log testlog.Buffer

	cmd    *exec.Cmd
	exited chan struct{} // closed when the program has exited
}

// Start starts a program.
func Start(tb testing.TB, cmd *exec.Cmd) *Process {
	tb.Helper()
	ci.Long(tb)
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.Log, &p.Log
	cmd.WaitDelay = stopTimeout // a child process may keep its output open
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // its errors are in the log
	}()
	tb.Cleanup(func() {
		p.Stop(tb)
		if tb.Failed() {
			tb.Logf("%s:\n%s", filepath.Base(cmd.Path), p.Log.String())
		}
	})
	return p
}

// PID returns the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the process.
func (p *Process) Signal(tb testing.TB, signal os.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		tb.Fatalf("send %s to %s: %v", signal, p.cmd.Path, err)
	}
}

// Ready waits until check returns nil. It returns false if the program exits first.
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

// Stop stops the program and waits until it has exited. Further calls do nothing. It
// sends SIGTERM first, because some programs stop their children only then.
func (p *Process) Stop(tb testing.TB) {
	tb.Helper()
	if runtime.GOOS == "windows" { // no other signal is supported
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
