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

	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/wait"
)

// TestReadersThatDoNotRead has 10,000 organizations, so that responses exceed all buffers
// on their way, and many clients that request each large response without reading it. Once
// their responses are rendered, these clients do not block others, and use little memory.
func TestReadersThatDoNotRead(t *testing.T) {
	t.Parallel()
	p := launch(t, twoProcessors, 10_000)
	p.ready(t)
	p.whole(t, "before")
	t.Logf("one scrape: memory %s", p.memory(t))
	health := p.watchHealth(t)
	begun := time.Now()
	for range ci.Amount(15, 150, 150) {
		for _, path := range []string{"/", "/sd", "/metrics"} {
			p.ask(t, path)
		}
	}
	refused := 0
	wait.For(t, "a scrape is answered", func() bool {
		_, err := exposition.Scrape(t.Context(), p.url+"/metrics", patient)
		if err != nil {
			refused++
		}
		return err == nil
	})
	t.Logf("the first scrape was answered after %s; before it %d were refused", time.Since(begun).Round(time.Millisecond), refused)
	for range ci.Amount(2, 5, 5) {
		p.whole(t, "beside readers that do not read")
		for _, path := range []string{"/", "/sd"} {
			if status := p.status(t, path); status != http.StatusOK {
				t.Errorf("%s: HTTP %d", path, status)
			}
		}
	}
	health.stop()
	t.Logf("memory %s", p.memory(t))
	if p.peak(t) > ci.Amount(256, 400, 400)<<20 {
		t.Errorf("the exporter took %s", p.memory(t))
	}
}

// ask sends a request on a connection that reads hardly any of the response.
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

// status returns the status code of a path, which must respond in time.
func (p *process) status(t *testing.T, path string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
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
