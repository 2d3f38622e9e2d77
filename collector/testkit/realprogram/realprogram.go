// Package realprogram runs real programs for tests: those that a test needs, each
// until its end or until the test's.
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

// Need skips the test if a program or another file is not there. In CI that is a
// failure, or nobody would notice that the test no longer runs.
func Need(tb testing.TB, paths ...string) {
	tb.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			ci.Missing(tb, path)
		}
	}
}

// Find returns the path of a program as [exec.LookPath] does, and looks in
// /usr/sbin too, which is not in everybody's PATH. It skips or fails the test as
// [Need] does.
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

// Run runs a program to its end and returns what it printed. An exit status
// other than 0 is an error.
func Run(tb testing.TB, binary string, args ...string) (output string, err error) {
	tb.Helper()
	ci.Long(tb)
	Need(tb, binary)
	out, err := exec.CommandContext(tb.Context(), binary, args...).CombinedOutput()
	return string(out), err
}

// Await calls check until it returns nil, and ends the test with what it last
// returned if it does not within timeout.
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

// FreeAddress returns an address of 127.0.0.1 that nobody listens on. Its port is
// below those that the kernel chooses for connections and for who asks for none:
// on a busy machine one of these could be taken before the program listens.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	const lowest, tooHigh = 20400, 32768 // Linux chooses from 32768 on
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(tooHigh-lowest)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	tb.Fatal("each of a hundred ports is taken")
	return ""
}
