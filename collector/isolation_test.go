package collector_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/testlog"
	"opsmanager_exporter/collector/testkit/wait"
	"opsmanager_exporter/config"
)

// With several Ops Managers that fail in different ways, the scrape responds within
// its announced timeout, with all samples of the healthy ones.
func TestOpsManagersApart(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	mute, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and sends nothing
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing.Close()
	wait.Growing(t, time.Second, func(limit time.Duration) error {
		f := start(t, settings{orgs: 20, timeoutOffset: limit / 2})
		managers := []config.OpsManager{f.manager}
		add := func(name, address string) {
			base, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			m := config.OpsManager{Name: name, URL: base, Credentials: simulated.Key(publicKey), Timeout: 2 * limit, MaxConcurrentRequests: 4}
			for i := range 10 {
				m.Orgs = append(m.Orgs, config.Org{ID: orgID(1000*len(managers) + i)})
			}
			managers = append(managers, m)
		}
		add("refuses", "http://"+refusing.Addr().String())
		add("says nothing", "http://"+mute.Addr().String())
		add("ends no handshake", "https://"+mute.Addr().String())
		add("has no name", "http://opsmanager.invalid")
		add("speaks no TLS", strings.Replace(f.sim.URL(), "http://", "https://", 1))
		f.exporter.Apply(&config.Config{OpsManagers: managers})

		for range 2 {
			begun := time.Now()
			s := f.scrape(t, fmt.Sprint(limit.Seconds()))
			if took := time.Since(begun); took > limit {
				return fmt.Errorf("the scrape took %s", took)
			}
			for i, want := range []map[string]bool{
				{"1": true}, {"connect": true}, {"timeout": true, "not_reached": true}, {"timeout": true, "not_reached": true}, {"dns": true}, {"tls": true},
			} {
				for _, org := range managers[i].Orgs {
					if got := s.State(t, org.ID); !want[got] {
						return fmt.Errorf("Ops Manager %q: got %s, want one of %v", managers[i].Name, got, want)
					}
				}
			}
		}
		return nil
	})
}

// No series contains free text from an upstream, or a key.
func TestHostileUpstream(t *testing.T) {
	t.Parallel()
	var log testlog.Buffer
	f := start(t, settings{orgs: 4, log: &log})
	echo := func(status int) simulator.Answer {
		return func(w http.ResponseWriter, r *http.Request) {
			sent := r.Header.Get("Authorization")
			for _, name := range []string{"Content-Type", "X-MongoDB-Service-Version", "Location", "Www-Authenticate", "Server"} {
				w.Header().Set(name, sent)
			}
			w.Header().Set("X-Mongodb-Service-Version", "gitHash=1; versionString="+publicKey)
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"status": %q, "errorCode": %q, "detail": %q, "parameters": [%q], "reason": "UPSTREAM WROTE THIS"}`, sent, strings.ToUpper(publicKey), sent, privateKey)
		}
	}
	for i, status := range []int{200, 401, 403, 500} {
		f.sim.SetOrg(orgID(i), simulator.Org{Answer: echo(status)})
	}
	for range 2 {
		s := f.scrape(t, "60")
		for i, want := range []string{"unknown_status", "unauthorized", "forbidden", "server_error"} {
			if got := s.State(t, orgID(i)); got != want {
				t.Errorf("organization %d: got %s, want %s", i, got, want)
			}
		}
		for series := range s {
			for _, bad := range []string{publicKey, strings.ToUpper(publicKey), privateKey, "response=", "nonce", "UPSTREAM"} {
				if strings.Contains(series, bad) {
					t.Errorf("series with %q: %s", bad, series)
				}
			}
		}
	}
	for _, bad := range []string{publicKey, strings.ToUpper(publicKey), privateKey, "response=", "cnonce", "UPSTREAM"} {
		if strings.Contains(log.String(), bad) {
			t.Errorf("log with %q:\n%s", bad, log.String())
		}
	}
}
