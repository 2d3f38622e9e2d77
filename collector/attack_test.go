package collector_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/testlog"
	"opsmanager_exporter/collector/testkit/wait"
)

// Scrapes with a very short deadline, which anyone can send, do not delay
// organizations that respond in time.
func TestShortScrapesMakeNobodyLate(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	const hung, orgs = 20, 60
	wait.Growing(t, 2*time.Second, func(limit time.Duration) error {
		f := start(t, settings{orgs: orgs, concurrency: 16})
		for i := range orgs {
			f.sim.SetOrg(orgID(i), simulator.Org{Delay: 150 * time.Millisecond})
		}
		f.scrape(t, "60")
		for i := range hung {
			f.sim.SetOrg(orgID(i), simulator.Org{Answer: simulator.Hang()})
		}
		f.manager.Timeout = limit / 4
		f.apply()
		f.scrape(t, "60") // now the hanging ones are known; together they could take all slots
		f.manager.Timeout = 2 * limit
		f.apply()
		for range 5 {
			f.scrape(t, "0.1")
			time.Sleep(100 * time.Millisecond) // the polls that it started get their responses, with no scrape waiting
		}
		if got := f.states(t, f.scrape(t, fmt.Sprint(limit.Seconds())))["1"]; got != orgs-hung {
			return fmt.Errorf("%d of %d healthy organizations", got, orgs-hung)
		}
		return nil
	})
}

// A newer answer is kept if a scrape with an older answer ends later, and the older
// failure is counted nevertheless.
func TestOlderAnswerDoesNotReplaceNewer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                 string
		older, newer         simulator.Answer
		wantOlder, wantNewer string
		failures             int
	}{
		{name: "an older status", older: simulator.Status("SYNCED"), newer: simulator.Status("NOT_SYNCED"), wantOlder: "1", wantNewer: "0"},
		{name: "an older failure", older: simulator.OrgNotFound(), newer: simulator.Status("SYNCED"), wantOlder: "not_found", wantNewer: "1", failures: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := start(t, settings{orgs: 2})
			release, asked := make(chan struct{}), make(chan struct{})
			f.sim.SetOrg(orgID(0), simulator.Org{Answer: func(w http.ResponseWriter, r *http.Request) {
				tt.older(w, r)
				close(asked)
			}})
			f.sim.SetOrg(orgID(1), simulator.Org{Answer: held(release)})
			ended := make(chan samples)
			go func() {
				s, err := get(t, f.url, "60")
				if err != nil {
					t.Error(err)
				}
				ended <- s
			}()
			<-asked
			f.sim.SetOrg(orgID(0), simulator.Org{Answer: tt.newer})
			// A probe joins the poll of the scrape while it is in flight.
			wait.For(t, "a probe polls for itself", func() bool {
				probe, err := get(t, "http://"+f.host+"/probe?target="+orgID(0), "30")
				if err != nil {
					t.Fatal(err)
				}
				if probe.State(t, orgID(0)) == tt.wantNewer {
					return true
				}
				if tt.failures > 0 {
					tt.failures++
				}
				return false
			})
			close(release)
			if got := (<-ended).State(t, orgID(0)); got != tt.wantOlder {
				t.Errorf("the scrape that began before: %s, want what it read", got)
			}
			if got := f.exporter.Snapshot().Orgs[0]; got.Err != nil || map[string]string{"SYNCED": "1", "NOT_SYNCED": "0"}[string(got.Status)] != tt.wantNewer {
				t.Errorf("afterwards the page shows %q, %v", got.Status, got.Err)
			}
			if got := f.scrape(t, "60").Link("scrape_errors_total", orgID(0)); got != strconv.Itoa(tt.failures) {
				t.Errorf("scrape_errors_total %s, want %d", got, tt.failures)
			}
		})
	}
}

// A cached response was not read from the API.
func TestCachedAnswer(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 2})
	for i, age := range []string{"86400", "0"} {
		f.sim.SetOrg(orgID(i), simulator.Org{Answer: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cache-Control") != "no-cache" {
				t.Error("caches are not told to ask")
			}
			w.Header().Set("Age", age)
			simulator.Status("SYNCED")(w, r)
		}})
	}
	f.expect(t, "ages", "bad_response", "1")
}

// A gateway that responds with 504 and then sends the response that it waited for
// must not cause that response to be used for another organization.
func TestLateAnswerOfGateway(t *testing.T) {
	t.Parallel()
	const orgs = 100
	wait.Growing(t, 5*time.Millisecond, func(late time.Duration) error { // until the connection is closed
		f := start(t, settings{orgs: orgs, concurrency: 4})
		for i := range orgs {
			f.sim.SetOrg(orgID(i), simulator.Org{Answer: simulator.Status("NOT_SYNCED"), Delay: time.Millisecond})
		}
		f.scrape(t, "60")
		f.sim.SetOrg(orgID(0), simulator.Org{BeforeAuth: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n")
			time.Sleep(late)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"status\":\"SYNCED\"}")
			_, _ = io.Copy(io.Discard, conn) // until the client closes
		}})
		for range 5 {
			got := f.states(t, f.scrape(t, "60"))
			if got["1"] > 0 {
				t.Errorf("a late answer was taken for another organization's: %v", got)
			}
			if want := map[string]int{"0": orgs - 1, "server_error": 1}; !maps.Equal(got, want) {
				return fmt.Errorf("states %v, want %v", got, want)
			}
		}
		return nil
	})
}

// A key file that blocks, such as one on a file system that does not respond, does not
// block polls for long, and the last good key stays in use.
func TestFilesThatBlock(t *testing.T) {
	t.Parallel()
	var log testlog.Buffer
	f := start(t, settings{orgs: 3, log: &log})
	dir := keyFiles(t)
	f.load(t, dir, "")
	f.expect(t, "before", "1", "1", "1")
	testfile.Pipe(t, filepath.Join(dir, "own.priv"))
	f.expect(t, "a named pipe in place of the file", "1", "1", "1")
	if got := strings.Count(log.String(), "Configured files cannot be read"); got != 1 {
		t.Errorf("the log tells %d times:\n%s", got, log.String())
	}
}
