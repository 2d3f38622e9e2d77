package realprometheus

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

const (
	// patience is far above what anything takes that is waited for, for machines
	// that run many tests at once.
	patience = 30 * time.Second
	// stopTimeout is how long a process may take to end by itself.
	stopTimeout = 10 * time.Second
)

// Process is a running program with an HTTP listener. Its methods are for the
// goroutine of the test.
type Process struct {
	// URL is the listener's, without a slash at the end.
	URL string
	// Address is its host and port.
	Address string

	cmd    *exec.Cmd
	log    lockedBuffer
	exited chan struct{}
}

// start starts a program that listens on address and waits until it is ready.
func start(tb testing.TB, address, binary string, args ...string) *Process {
	tb.Helper()
	p := &Process{URL: "http://" + address, Address: address, cmd: exec.Command(binary, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", binary, err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // what it has to say is in the log
	}()
	tb.Cleanup(func() {
		p.Stop(tb)
		if tb.Failed() {
			tb.Logf("%s:\n%s", filepath.Base(binary), p.log.String())
		}
	})
	Await(tb, patience, func() error {
		resp, err := http.Get(p.URL + "/-/ready")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s/-/ready: %s", p.URL, resp.Status)
		}
		return nil
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

// Stop ends the program, and returns when it has ended. Further calls do
// nothing.
func (p *Process) Stop(tb testing.TB) {
	tb.Helper()
	if runtime.GOOS == "windows" { // which knows no other way
		_ = p.cmd.Process.Kill()
	} else {
		_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended
	}
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.exited
		tb.Errorf("%s did not end by itself", p.cmd.Path)
	}
}

// Await calls check until it returns nil, and ends the test with what it last
// returned if it does not within timeout.
func Await(tb testing.TB, timeout time.Duration, check func() error) {
	tb.Helper()
	for deadline := time.Now().Add(timeout); ; time.Sleep(50 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatal(err)
		}
	}
}

// FreeAddress returns an address of 127.0.0.1 that nobody listens on.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// lockedBuffer is a buffer that a process writes to while a test reads it.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
