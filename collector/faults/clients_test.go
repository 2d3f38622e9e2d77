package faults_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/wait"
)

// TestBodiesThatNeverCome sends 40 requests whose body never arrives, as many as there may
// be scrapes: other clients are not locked out.
func TestBodiesThatNeverCome(t *testing.T) {
	t.Parallel()
	p := launch(t, ":", 3)
	p.ready(t)
	for range 40 {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /metrics?collect[]=exporter HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for range 5 {
		p.whole(t, "beside bodies that never come")
	}
}

// TestTimeoutThatIsNone announces timeouts that are too short for a poll. They are ignored,
// and have no other effect.
func TestTimeoutThatIsNone(t *testing.T) {
	t.Parallel()
	p := launch(t, ":", 3, "--log.level=debug")
	p.ready(t)
	p.whole(t, "before")
	var log string
	wait.For(t, "the first scrape is logged", func() bool { // after its response was sent
		log = p.log.String()
		return strings.Contains(log, "Migration link is not synced") && strings.HasSuffix(log, "\n")
	})
	for _, timeout := range []time.Duration{10 * time.Microsecond, time.Millisecond, 99 * time.Millisecond} {
		for _, path := range []string{"/metrics", "/probe?target=" + healthyOrg(0)} {
			s, err := exposition.Scrape(t.Context(), p.url+path, timeout)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.State(t, healthyOrg(0)); got != healthyState(0) {
				t.Errorf("%s within %s: got %s", path, timeout, got)
			}
			if got := s.Link("scrape_errors_total", healthyOrg(0)); got != "0" {
				t.Errorf("%s within %s: %s errors", path, timeout, got)
			}
			if got := s["opsmanager_exporter_scrape_timeout_seconds"]; path == "/metrics" && got != "9.5" {
				t.Errorf("%s within %s: worked with %s s", path, timeout, got)
			}
		}
	}
	resp, err := http.Get(p.url)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(page), "<b>0</b> <span>Unknown</span>") {
		t.Errorf("the page does not say that nothing is unknown: %v\n%s", err, page)
	}
	if got := p.log.String(); got != log {
		t.Errorf("the log has more to say: %s", strings.TrimPrefix(got, log))
	}
}

// TestNothingOfAClientIsAnError sends malformed requests of every kind: none is logged as
// an error.
func TestNothingOfAClientIsAnError(t *testing.T) {
	t.Parallel()
	p := launch(t, ":", 3, "--web.enable-lifecycle")
	p.ready(t)
	for _, path := range []string{"/", "/metrics", "/probe?target=" + healthyOrg(0), "/sd", "/nothing", "/-/healthy", "/%zz", "/metrics?collect[]=%", "/-/reload"} {
		for _, method := range []string{"GET", "HEAD", "POST", "BREW"} {
			if path == "/-/reload" && method == "POST" {
				continue // not a malformed request
			}
			for _, header := range []string{
				"Accept-Encoding: gzip;q=0", "Accept-Encoding: *;q=0", "Accept-Encoding: zstd", "Accept: a/b", "Accept: application/openmetrics-text;version=x;escaping=y",
				"X-Prometheus-Scrape-Timeout-Seconds: -1", "Content-Length: 1", "Content-Length: x", "Transfer-Encoding: x", "Expect: x", "Host: " + strings.Repeat("x", 1000), "Upgrade: h2c", "\x00: x",
			} {
				c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n", method, path, header)
				_ = c.SetReadDeadline(time.Now().Add(patient))
				if _, err := io.ReadAll(c); err != nil {
					t.Errorf("%s %s with %.40q: %v", method, path, header, err)
				}
				c.Close()
			}
		}
	}
	p.whole(t, "afterwards")
	if log := p.log.String(); strings.Contains(log, "level=ERROR") {
		t.Error("the log has errors")
	}
}
