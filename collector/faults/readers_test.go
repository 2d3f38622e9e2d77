package faults_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/realprogram"
)

// TestReadersThatDoNotRead has 10,000 organizations and 150 clients for each of
// the great answers that ask for it and read nothing of it. As soon as what they
// asked for is rendered they shut nobody out, and it takes little memory.
func TestReadersThatDoNotRead(t *testing.T) {
	p := launch(t, ":", 10_000)
	p.ready(t)
	p.whole(t, "before")
	t.Logf("one scrape: memory %s", p.memory(t))
	health := p.watchHealth(t)
	begun := time.Now()
	for range 150 {
		for _, path := range []string{"/", "/sd", "/metrics"} {
			p.ask(t, path)
		}
	}
	const timeout = 10 * time.Second
	refused := 0
	realprogram.Await(t, time.Minute, func() error {
		_, err := exposition.Scrape(t.Context(), p.url+"/metrics", timeout)
		if err != nil {
			refused++
		}
		return err
	})
	t.Logf("the first scrape was answered after %s; before it %d were refused", time.Since(begun).Round(time.Millisecond), refused)
	var longest time.Duration
	for range 5 {
		at := time.Now()
		p.whole(t, "beside readers that do not read")
		longest = max(longest, time.Since(at))
		for _, path := range []string{"/", "/sd"} {
			if status := p.status(t, path); status != http.StatusOK {
				t.Errorf("%s: HTTP %d", path, status)
			}
		}
	}
	if longest > 2*timeout { // the machine is busy with this very test
		t.Errorf("a scrape took %s", longest)
	}
	slowest, checks := health()
	t.Logf("later scrapes took at most %s, health %s, of %d; memory %s",
		longest.Round(time.Millisecond), slowest.Round(time.Millisecond), checks, p.memory(t))
	if slowest > 3*time.Second { // two cores are shared with everything above
		t.Errorf("health took %s", slowest)
	}
	if p.peak(t) > 256<<20 {
		t.Errorf("the exporter took %s", p.memory(t))
	}
}

// ask sends a request from a connection that takes next to nothing of the answer.
func (p *process) ask(t *testing.T, path string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
}

// status returns what a path answers, in time.
func (p *process) status(t *testing.T, path string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Errorf("%s: %v", path, err)
	}
	return resp.StatusCode
}
