package collector_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/config"
)

// A status that turns out, before the scrape is exposed, to be from a connection with an
// unsolicited response is unknown.
func TestRetractedBeforeSending(t *testing.T) {
	t.Parallel()
	const synced = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"status\":\"SYNCED\"}"
	polled, closed := make(chan struct{}), make(chan struct{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		defer close(closed)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Minute)) // in case it is not closed
		in := bufio.NewReader(c)
		for authorized := false; !authorized; {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			answer := "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n\r\n"
			if authorized = r.Header.Get("Authorization") != ""; authorized {
				answer = synced
			}
			_, _ = io.WriteString(c, answer)
		}
		<-polled
		_, _ = io.WriteString(c, synced)
		_, _ = io.Copy(io.Discard, in) // until the exporter closes the connection
	}()
	e := collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	defer e.Close()
	e.Apply(&config.Config{OpsManagers: []config.OpsManager{{
		Name: "production", URL: &url.URL{Scheme: "http", Host: l.Addr().String()}, Timeout: time.Minute, MaxConcurrentRequests: 1,
		Credentials: simulated.Key(publicKey), Orgs: []config.Org{{ID: orgID(0)}},
	}}})
	c := e.Targets().Collector(t.Context(), collector.Options{BeforeSend: func() bool {
		close(polled)
		<-closed
		return true
	}})
	want := fmt.Sprintf(`
# HELP opsmanager_migration_link_scrape_failure_reason Why this scrape could not read the status of the migration link: 1 for the reason that applies, absent on success.
# TYPE opsmanager_migration_link_scrape_failure_reason gauge
opsmanager_migration_link_scrape_failure_reason{org_id=%q,reason="bad_response"} 1
`, orgID(0))
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "opsmanager_migration_link_synced", "opsmanager_migration_link_scrape_failure_reason"); err != nil {
		t.Error(err)
	}
}
