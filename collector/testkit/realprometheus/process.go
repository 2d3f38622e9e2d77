package realprometheus

import (
	"fmt"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
)

// Process is a running program with an HTTP listener. Its methods must be called from the
// goroutine of the test.
type Process struct {
	*realprogram.Process
	// URL is the URL of the listener without a trailing slash.
	URL string
	// Address is its host and port.
	Address string

	binary string
	args   []string
}

// start starts a program that listens on address and waits until it is ready.
func start(tb testing.TB, address, binary string, args ...string) *Process {
	tb.Helper()
	p := &Process{realprogram.Start(tb, exec.Command(binary, args...)), "http://" + address, address, binary, args}
	if !p.Ready(tb, func() error {
		resp, err := http.Get(p.URL + "/-/ready")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s/-/ready: %s", p.URL, resp.Status)
		}
		return nil
	}) {
		tb.Fatalf("%s ended instead of serving", binary)
	}
	return p
}

// Restart stops the program, starts it again after a pause with the same arguments and
// address, and waits until it is ready.
func (p *Process) Restart(tb testing.TB, pause time.Duration) *Process {
	tb.Helper()
	p.Stop(tb)
	time.Sleep(pause)
	return start(tb, p.Address, p.binary, p.args...)
}
