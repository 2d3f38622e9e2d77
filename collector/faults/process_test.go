package faults_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/testlog"
	"opsmanager_exporter/collector/testkit/wait"
)

// process is an exporter as users run it, with a healthy Ops Manager. A shell starts it, so
// that limits and environment variables apply only to it.
type process struct {
	*exec.Cmd
	url, file string
	server    *simulator.Server
	orgs      int
	timeout   time.Duration // of a poll
	log       testlog.Buffer
	exited    chan error
}

// launch starts an exporter with orgs organizations; before is a shell command to run
// first.
func launch(t *testing.T, before string, orgs int, args ...string) *process {
	t.Helper()
	return launchWithin(t, patient, before, orgs, args...)
}

// launchWithin is launch with a poll timeout.
func launchWithin(t *testing.T, timeout time.Duration, before string, orgs int, args ...string) *process {
	t.Helper()
	ci.Long(t)
	if runtime.GOOS == "windows" {
		t.Skip("there are no such limits and signals here")
	}
	p := &process{server: scene{T: t}.simulate(simulator.Options{}), orgs: orgs, timeout: timeout, exited: make(chan error, 1)}
	for i := range orgs {
		p.server.SetOrg(healthyOrg(i), simulator.Org{Answer: simulator.Status(healthyStatus(i))})
	}
	p.file = filepath.Join(t.TempDir(), "opsmanager.yml")
	p.configure(t)
	address := realprogram.FreeAddress(t)
	p.url = "http://" + address
	line := append([]string{exporter(t), "--config.file=" + p.file, "--web.listen-address=" + address}, args...)
	p.Cmd = exec.Command("/bin/sh", append([]string{"-c", before + `; exec "$@"`, "sh"}, line...)...)
	p.Stdout, p.Stderr = &p.log, &p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.exited <- p.Wait() }()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		if t.Failed() {
			t.Log(p.log.String())
		}
	})
	return p
}

var (
	building sync.Once
	built    string
)

// exporter builds the exporter once.
func exporter(t *testing.T) string {
	t.Helper()
	building.Do(func() {
		dir, err := os.MkdirTemp("", "exporter")
		if err != nil {
			t.Fatal(err)
		}
		built = filepath.Join(dir, "opsmanager_exporter")
		cmd := exec.Command("go", "build", "-o", built, "opsmanager_exporter")
		if out, err := cmd.CombinedOutput(); err != nil {
			built = ""
			t.Fatalf("%v\n%s", err, out)
		}
	})
	if built == "" {
		t.Fatal("the exporter could not be built")
	}
	return built
}

func (p *process) configure(t *testing.T) {
	t.Helper()
	text := "ops_managers:\n" + manager("healthy", target{url: p.server.URL(), settings: "max_concurrent_requests: 64"}, ids(p.orgs, healthyOrg)...)
	testfile.Write(t, p.file, within(p.timeout, text))
}

func (p *process) ready(t *testing.T) {
	t.Helper()
	realprogram.Await(t, patient, func() error {
		resp, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
}

// whole scrapes and fails the test for each organization without the correct status.
func (p *process) whole(t *testing.T, when string) {
	t.Helper()
	s, err := exposition.Scrape(t.Context(), p.url+"/metrics", 5*time.Minute)
	if err != nil {
		t.Errorf("%s: %v", when, err)
		return
	}
	for i := range p.orgs {
		if got := s.State(t, healthyOrg(i)); got != healthyState(i) {
			t.Errorf("%s: organization %d: got %s, want %s", when, i, got, healthyState(i))
			return
		}
	}
}

// neverFalse fails the test for each organization with a wrong status, and returns the
// number of unknown ones.
func (p *process) neverFalse(t *testing.T, s exposition.Samples) (unknown int) {
	t.Helper()
	for i := range p.orgs {
		switch got := s.State(t, healthyOrg(i)); got {
		case healthyState(i):
		case "0", "1":
			t.Errorf("organization %d: got %s", i, got)
		default:
			unknown++
		}
	}
	return unknown
}

// tells sets the answer of the first organization. The channel is closed when it is
// polled.
func (p *process) tells(a simulator.Answer) <-chan struct{} {
	asked := make(chan struct{})
	var once sync.Once
	p.server.SetOrg(healthyOrg(0), simulator.Org{Answer: func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(asked) })
		a(w, r)
	}})
	return asked
}

// TestNoFileDescriptors exhausts the exporter's file descriptors with connections of other
// clients.
func TestNoFileDescriptors(t *testing.T) {
	t.Parallel()
	p := launch(t, "ulimit -n 40", 20, "--web.disable-exporter-metrics") // as many connections as file descriptors allow
	p.ready(t)
	var taken []net.Conn
	for range 60 {
		if c, err := net.DialTimeout("tcp", strings.TrimPrefix(p.url, "http://"), time.Second); err == nil {
			taken = append(taken, c)
		}
	}
	// The connection of the readiness check is still open.
	s, err := exposition.Scrape(t.Context(), p.url+"/metrics", patient)
	if err != nil {
		t.Fatal(err)
	}
	unknown := p.neverFalse(t, s)
	if unknown == 0 {
		t.Error("it lacked nothing")
	}
	for _, c := range taken {
		c.Close()
	}
	realprogram.Await(t, patient, func() error { // until the exporter notices
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Process.Pid))
		if err == nil && len(entries) > 35 {
			return fmt.Errorf("still %d files", len(entries))
		}
		return err
	})
	p.whole(t, "when there are files again")
	t.Logf("%d of %d organizations were unknown, and none was false", unknown, p.orgs)
}

// TestLittleMemory sets a memory limit that the garbage collector cannot meet.
func TestLittleMemory(t *testing.T) {
	t.Parallel()
	p := launch(t, "export GOMEMLIMIT=4MiB", ci.Amount(300, 1000, 1000))
	p.ready(t)
	for range 3 {
		p.whole(t, "with little memory")
	}
}

// TestStormOfSignals sends hundreds of SIGHUPs while the file is alternately valid, invalid
// and missing.
func TestStormOfSignals(t *testing.T) {
	t.Parallel()
	p := launch(t, ":", 20)
	p.ready(t)
	good, err := os.ReadFile(p.file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			switch i % 3 {
			case 0:
				testfile.Write(t, p.file, string(good))
			case 1:
				testfile.Write(t, p.file, "ops_managers: [")
			case 2:
				_ = os.Remove(p.file)
			}
			for range 10 {
				_ = p.Process.Signal(syscall.SIGHUP)
				time.Sleep(time.Millisecond)
			}
		}
	})
	for range 40 {
		p.whole(t, "in the storm")
	}
	cancel()
	wg.Wait()
	testfile.Write(t, p.file, string(good))
	_ = p.Process.Signal(syscall.SIGHUP)
	realprogram.Await(t, patient, func() error {
		s, err := exposition.Scrape(t.Context(), p.url+"/metrics?collect[]=exporter", 5*time.Second)
		if err == nil && s["opsmanager_exporter_config_last_reload_successful"] != "1" {
			err = fmt.Errorf("the good file is not in use")
		}
		return err
	})
	p.whole(t, "after the storm")
}

// TestStops sends SIGTERM at each stage of the exporter's life.
func TestStops(t *testing.T) {
	end := func(t *testing.T, p *process, early bool) {
		t.Helper()
		select {
		case err := <-p.exited:
			// Before it handles signals, they terminate it like any program.
			if err != nil && (!early || err.Error() != "signal: terminated") {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(patient):
			t.Error("did not end")
		}
		if strings.Contains(p.log.String(), "panic") || strings.Contains(p.log.String(), privateKey) {
			t.Error("the log contains a panic or the key")
		}
	}
	term := func(t *testing.T, p *process) {
		t.Helper()
		if err := p.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	for _, pause := range []time.Duration{0, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond} {
		t.Run(fmt.Sprintf("%s after the start", pause), func(t *testing.T) {
			t.Parallel()
			p := launch(t, ":", 500)
			time.Sleep(pause)
			term(t, p)
			end(t, p, true)
		})
	}
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		p := launch(t, ":", 5)
		p.ready(t)
		term(t, p)
		end(t, p, false)
	})
	t.Run("in a scrape", func(t *testing.T) {
		t.Parallel()
		p := launch(t, ":", 5)
		p.ready(t)
		asked := p.tells(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(pollTimeout / 2)
			simulator.Status(healthyStatus(0))(w, r)
		})
		go func() {
			<-asked
			_ = p.Process.Signal(syscall.SIGTERM)
		}()
		p.whole(t, "in flight when the signal came")
		end(t, p, false)
	})
	t.Run("in a scrape that hangs", func(t *testing.T) {
		t.Parallel()
		wait.Growing(t, 2*time.Second, func(limit time.Duration) error {
			p := launch(t, ":", 5)
			p.ready(t)
			asked := p.tells(simulator.Hang())
			go func() {
				<-asked
				_ = p.Process.Signal(syscall.SIGTERM)
			}()
			s, err := exposition.Scrape(t.Context(), p.url+"/metrics", limit)
			if err != nil {
				t.Fatal(err)
			}
			end(t, p, false)
			if n := p.neverFalse(t, s); n != 1 {
				return fmt.Errorf("%d organizations unknown, want one", n)
			}
			return nil
		})
	})
	t.Run("in a storm of reloads", func(t *testing.T) {
		t.Parallel()
		p := launch(t, ":", 500)
		p.ready(t)
		for range 20 {
			_ = p.Process.Signal(syscall.SIGHUP)
		}
		term(t, p)
		end(t, p, false)
	})
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		p := launch(t, ":", 5)
		p.ready(t)
		asked := p.tells(simulator.Hang())
		go func() { _, _ = exposition.Scrape(t.Context(), p.url+"/metrics", 20*time.Second) }()
		<-asked
		term(t, p)
		realprogram.Await(t, patient, func() error {
			if !strings.Contains(p.log.String(), "Stopping") {
				return fmt.Errorf("it does not say that it stops")
			}
			return nil
		})
		term(t, p) // a second signal, from a user who does not want to wait
		select {
		case err := <-p.exited:
			if err == nil || err.Error() != "exit status 1" || !strings.Contains(p.log.String(), "received a second signal: requests in flight are lost") {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(patient):
			t.Error("did not end at once")
		}
	})
}
