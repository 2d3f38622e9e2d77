// Package realprogram runs real programs for tests, each at most until the test ends.
package realprogram

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/ci"
)

// Need skips the test if a program or another file does not exist. In CI it fails the
// test, so that a test that no longer runs is noticed.
func Need(tb testing.TB, paths ...string) {
	tb.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			ci.Missing(tb, path)
		}
	}
}

// Find returns the path of a program like [exec.LookPath], but also searches /usr/sbin,
// which may not be in PATH. It skips or fails the test like [Need].
func Find(tb testing.TB, name string) string {
	tb.Helper()
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found
		}
	}
	ci.Missing(tb, name)
	return ""
}

// Run runs a program and returns its output. An exit status other than 0 is an error.
func Run(tb testing.TB, binary string, args ...string) (output string, err error) {
	tb.Helper()
	ci.Long(tb)
	Need(tb, binary)
	out, err := exec.CommandContext(tb.Context(), binary, args...).CombinedOutput()
	return string(out), err
}

// Await calls check until it returns nil. After timeout it ends the test with the last
// error.
func Await(tb testing.TB, timeout time.Duration, check func() error) {
	tb.Helper()
	for deadline := time.Now().Add(timeout); ; time.Sleep(10 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatal(err)
		}
	}
}

// FreeAddress returns an unused address of 127.0.0.1, which no other test gets until this
// one ends: the UDP port of the same number reserves it. Its port is below the range from
// which the kernel chooses ports: on a busy machine, a port in that range could be taken
// before the program listens.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	const lowest, tooHigh = 20400, 32768 // Linux chooses ports from 32768 on
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(tooHigh-lowest))
		reserved, err := net.ListenPacket("udp", address)
		if err != nil {
			continue
		}
		// Not by listening: a program that another test starts at this moment would have
		// the listener until it is executed.
		c, err := net.Dial("tcp", address)
		if err != nil {
			tb.Cleanup(func() { _ = reserved.Close() })
			return address
		}
		_ = c.Close()
		_ = reserved.Close()
	}
	tb.Fatal("each of a hundred ports is taken")
	return ""
}
