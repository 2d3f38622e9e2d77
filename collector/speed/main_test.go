// Package speed_test measures the exporter as users run it: in a separate process that
// polls an Ops Manager in another process over TLS.
//
//	go test -run '^$' -bench . ./collector/speed
//
// CPU time is that of the exporter's process only (user and system), as measured by Linux.
// Compare only ratios within one run: machines differ and may be shared.
package speed_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// role is the environment variable that makes the test binary run as another process.
const role = "SPEED_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "ops manager":
		exitIf(serve(os.Stdin, os.Stdout))
	case "loop":
		exitIf(loop(os.Stdin, os.Stdout))
	}
}

func exitIf(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// worker is a process that answers each line of JSON with a line of JSON.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start starts this program in a role; it ends with the test.
func start(b *testing.B, as string) *worker {
	b.Helper()
	w := &worker{cmd: exec.Command(os.Args[0])}
	w.cmd.Env = append(os.Environ(), role+"="+as)
	w.cmd.Stderr = os.Stderr
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	w.out = bufio.NewReader(out)
	if err := w.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = w.in.Close() // the worker ends with its input
		if err := w.cmd.Wait(); err != nil {
			b.Errorf("%s: %v", as, err)
		}
	})
	return w
}

// ask sends a request and waits for the answer.
func ask[Answer any](b *testing.B, w *worker, request any) (answer Answer) {
	b.Helper()
	if err := json.NewEncoder(w.in).Encode(request); err != nil {
		b.Fatal(err)
	}
	line, err := w.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &answer)
	}
	if err != nil {
		b.Fatal(err)
	}
	return answer
}

// answer runs in the worker: it answers each request until the input ends.
func answer[Request, Answer any](in io.Reader, out io.Writer, f func(Request) (Answer, error)) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var request Request
		if err := requests.Decode(&request); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		a, err := f(request)
		if err != nil {
			return err
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// procFile returns a file of /proc about a process.
func procFile(b *testing.B, pid int, name string) string {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		b.Skipf("CPU and memory are read from /proc: %v", err)
	}
	return string(text)
}

// cpu returns the CPU time in seconds used by a process and by its children that have
// ended.
func cpu(b *testing.B, pid int) float64 {
	b.Helper()
	// proc_pid_stat(5): the name in parentheses may contain spaces; utime is field 14.
	_, rest, _ := strings.Cut(procFile(b, pid, "stat"), ") ")
	var ticks int
	for _, field := range strings.Fields(rest)[11:15] {
		var n int
		if _, err := fmt.Sscan(field, &n); err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return float64(ticks) / 100 // USER_HZ, the same on every Linux
}

// peakMemory returns the peak resident memory of a process in bytes.
func peakMemory(b *testing.B, pid int) float64 {
	b.Helper()
	_, rest, _ := strings.Cut(procFile(b, pid, "status"), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib * 1024
}
