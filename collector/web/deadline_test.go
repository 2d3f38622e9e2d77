package web_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
)

// Every scrape has the announced or the default timeout, minus the offset.
func TestDeadline(t *testing.T) {
	t.Parallel()
	f := start(t, 1, web.Options{TimeoutOffset: 2 * time.Second, DefaultTimeout: 7 * time.Second})
	for header, want := range map[string]string{
		"": "5", "20": "18", "20.5": "18.5", "3": "1.5", "0.1": "0.05", "0.099": "5", "0.00001": "5", "0": "5", "-1": "5", "NaN": "5", "+Inf": "5", "x": "5",
		"1e9": "3598",
	} {
		for _, path := range []string{"/metrics", "/metrics?collect[]=exporter"} {
			if got := f.withTimeout(t, path, header); !strings.Contains(got, "\nopsmanager_exporter_scrape_timeout_seconds "+want+"\n") {
				t.Errorf("%s with %q: want %s:\n%s", path, header, want, got)
			}
		}
		d, err := time.ParseDuration(want + "s")
		if err != nil {
			t.Fatal(err)
		}
		if got := f.withTimeout(t, "/probe?debug=true&target="+simulated.OrgID(0), header); !strings.Contains(got, "probe deadline "+d.String()+",") {
			t.Errorf("/probe with %q: want %s:\n%s", header, d, got)
		}
	}
}

// withTimeout returns the response of a path to a request that announces a timeout.
func (f *fixture) withTimeout(t *testing.T, path, header string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", header)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A client that closes its half of the connection is considered gone: it gets no
// response rather than one without organizations.
func TestHalfClosedClient(t *testing.T) {
	t.Parallel()
	f := start(t, 2, web.Options{})
	release := make(chan struct{})
	f.sim.SetOrg(simulated.OrgID(0), simulator.Org{Answer: simulated.Held(release, simulator.Status("SYNCED"))})
	for _, path := range []string{"/metrics", "/probe?target=" + simulated.OrgID(0), "/probe?debug=true&target=" + simulated.OrgID(0)} {
		conn, err := net.Dial("tcp", f.host)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		conn.Close()
		if len(answer) != 0 {
			t.Errorf("%s: %q, %v", path, answer, err)
		}
	}
	close(release)
	s, err := exposition.Scrape(t.Context(), "http://"+f.host+"/metrics", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Link("scrape_errors_total", simulated.OrgID(0)); got != "0" {
		t.Errorf("scrape_errors_total %s: a scrape whose client left is no scrape that failed", got)
	}
}
