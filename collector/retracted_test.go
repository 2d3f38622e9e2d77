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
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/testlog"
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
		APIKey: simulated.Key(publicKey), Orgs: []config.Org{{ID: orgID(0)}},
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

// Not even at debug level does the log show a key, from a file or not.
func TestLogShowsNoKey(t *testing.T) {
	t.Parallel()
	var log testlog.Buffer
	e := collector.NewExporter(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), "test")
	defer e.Close()
	public, private, own := testfile.New(t, "om.pub", "jkqmzxvt\n"), testfile.New(t, "om.key", "private-of-file\n"), testfile.New(t, "own.key", "private-own\n")
	file := testfile.New(t, "opsmanager.yml", fmt.Sprintf(`ops_managers:
  - url: http://127.0.0.1:1
    api_key: {public_key_file: %s, private_key_file: %s}
    orgs: [{id: %s}, {id: %s, api_key: {public_key: public-own, private_key_file: %s}}]
`, public, private, orgID(0), orgID(1), own))
	if err := e.Load(file); err != nil {
		t.Fatal(err)
	}
	e.Targets().Poll(t.Context(), nil)
	testfile.Write(t, private, "private-next\n")
	e.Targets().Poll(t.Context(), nil)
	testfile.Write(t, private, "private-two\nlines\n")
	testfile.Write(t, own, "private-three\nlines\n")
	e.Targets().Poll(t.Context(), nil)
	got := log.String()
	for _, secret := range []string{"jkqmzxvt", "public-own", "private-of-file", "private-own", "private-next", "private-two", "private-three"} {
		if strings.Contains(got, secret) {
			t.Errorf("the log shows %s:\n%s", secret, got)
		}
	}
	for _, want := range []string{"level=DEBUG", `level=INFO msg="Configuration loaded" file=` + file + " ops_managers=1 organizations=2\n", "ops_manager=127.0.0.1:1 org_id=" + orgID(1) + ` err="private_key_file `} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}
