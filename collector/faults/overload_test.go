package faults_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/wait"
)

// TestOverload has thousands of organizations that all fail, then an Ops Manager that hangs,
// a thousand concurrent scrapes, and clients that do not read. Every request is answered or
// refused in time, the health check responds throughout, memory stays bounded, and the
// first scrape afterwards is complete.
func TestOverload(t *testing.T) {
	t.Parallel()
	orgs := ci.Amount(2_000, 10_000, 10_000)
	const pollTimeout = 2 * time.Second
	p := launchWithin(t, pollTimeout, twoProcessors, orgs, "--scrape.timeout-offset=1.5s") // everything under test shares the machine
	p.ready(t)
	p.answer(simulator.UnexpectedError())

	health := p.watchHealth(t)
	report := func(what string, begun time.Time) {
		t.Logf("%s: %s; memory %s", what, time.Since(begun).Round(time.Millisecond), p.memory(t))
	}

	begun := time.Now()
	if got := p.states(t, patient); got["server_error"] != orgs {
		t.Errorf("everything fails: %v", got)
	}
	report("organizations that fail", begun)

	p.answer(simulator.Hang())
	wait.Growing(t, 4*time.Second, func(limit time.Duration) error {
		begun = time.Now()
		checks := health.checks.Load()
		got := p.states(t, limit)
		if got["timeout"]+got["not_reached"] != orgs {
			t.Errorf("everything hangs: %v", got)
		}
		if got["timeout"] < 64 {
			return fmt.Errorf("everything hangs: %v", got)
		}
		if checks = health.checks.Load() - checks; checks < 2 {
			return fmt.Errorf("health answered %d times meanwhile", checks)
		}
		if took := time.Since(begun); took > limit {
			return fmt.Errorf("the scrape took %s", took)
		}
		return nil
	})
	report("organizations that hang", begun)

	wait.Growing(t, 5*time.Second, func(limit time.Duration) error {
		begun = time.Now()
		checks := health.checks.Load()
		answered, refused := p.many(t, 1000, limit)
		if answered+refused != 1000 || answered == 0 || refused == 0 {
			t.Errorf("of 1,000 scrapes at once %d answered, %d refused", answered, refused)
		}
		report(fmt.Sprintf("1,000 scrapes at once, %d answered, %d refused", answered, refused), begun)
		if checks = health.checks.Load() - checks; checks < 2 {
			return fmt.Errorf("health answered %d times meanwhile", checks)
		}
		if took := time.Since(begun); took > 2*limit { // the machine is busy with this test
			return fmt.Errorf("they took %s", took)
		}
		return nil
	})

	begun = time.Now()
	p.answer(simulator.UnexpectedError())
	p.quiet(t)
	stop := p.slowReaders(t, 30)
	if got := p.states(t, patient); got["server_error"] != orgs {
		t.Errorf("with clients that do not read: %v", got)
	}
	stop()
	report("30 readers that do not read", begun)

	for i := range orgs {
		p.server.SetOrg(healthyOrg(i), simulator.Org{Answer: simulator.Status(healthyStatus(i))})
	}
	p.quiet(t)
	begun = time.Now()
	p.whole(t, "after the overload")
	report("the first good scrape", begun)

	if strings.Contains(p.log.String(), "could not be exposed") {
		t.Error("clients that leave or do not read are taken for a defect of the metrics")
	}
	health.stop()
	if p.peak(t) > ci.Amount(300, 700, 700)<<20 {
		t.Errorf("the exporter took %s", p.memory(t))
	}
}

// twoProcessors makes the exporter render the same number of scrapes concurrently, and so
// use the same amount of memory, on every machine.
const twoProcessors = "export GOMAXPROCS=2"

// answer sets the answer of every organization.
func (p *process) answer(a simulator.Answer) {
	for i := range p.orgs {
		p.server.SetOrg(healthyOrg(i), simulator.Org{Answer: a})
	}
}

// quiet waits until no request is in flight, that is, until hanging polls have timed out.
func (p *process) quiet(t *testing.T) {
	t.Helper()
	time.Sleep(p.timeout)
	wait.For(t, "no request is under way", func() bool { return p.server.Counts().InFlight == 0 })
}

// states scrapes and counts the states of the organizations.
func (p *process) states(t *testing.T, timeout time.Duration) map[string]int {
	t.Helper()
	s, err := exposition.Scrape(t.Context(), p.url+"/metrics", timeout)
	if err != nil {
		t.Error(err)
		return nil
	}
	return p.count(t, s)
}

func (p *process) count(t *testing.T, s exposition.Samples) map[string]int {
	counts := make(map[string]int)
	for i := range p.orgs {
		counts[s.State(t, healthyOrg(i))]++
	}
	return counts
}

// many runs n concurrent scrapes. Each must be answered with every organization, or refused
// before its timeout.
func (p *process) many(t *testing.T, n int, timeout time.Duration) (answered, refused int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range n {
		wg.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/metrics", nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(timeout.Seconds()))
			resp, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			lines := 0
			for scanner := bufio.NewScanner(resp.Body); scanner.Scan(); {
				if strings.HasPrefix(scanner.Text(), "opsmanager_migration_link_scrape_success{") {
					lines++
				}
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case resp.StatusCode == http.StatusOK && lines == p.orgs:
				answered++
			case resp.StatusCode == http.StatusServiceUnavailable:
				refused++
			default:
				t.Errorf("HTTP %d with %d organizations", resp.StatusCode, lines)
			}
		})
	}
	wg.Wait()
	return answered, refused
}

// slowReaders requests scrapes without reading the responses, until it is stopped.
func (p *process) slowReaders(t *testing.T, n int) (stop func()) {
	t.Helper()
	var all []net.Conn
	for range n {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
		all = append(all, c)
	}
	return func() {
		for _, c := range all {
			c.Close()
		}
	}
}

// healthWatch requests the health check continuously until it is stopped.
type healthWatch struct {
	checks  atomic.Int64 // successful checks
	slowest time.Duration
	stop    func() // and log
}

func (p *process) watchHealth(t *testing.T) *healthWatch {
	ctx, cancel := context.WithCancel(t.Context())
	h := &healthWatch{}
	done := make(chan struct{})
	h.stop = func() {
		cancel()
		<-done
		t.Logf("health answered %d times, at the latest after %s", h.checks.Load(), h.slowest.Round(time.Millisecond))
	}
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			begun := time.Now()
			resp, err := http.Get(p.url + "/-/healthy")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("health: %v", err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			h.slowest = max(h.slowest, time.Since(begun))
			h.checks.Add(1)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return h
}

// peak returns the peak memory of the exporter in bytes, or 0 if it is not available.
func (p *process) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")))
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	return 0
}

func (p *process) memory(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("%d MiB", p.peak(t)>>20)
}
