package collector_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realdigest"
	"opsmanager_exporter/collector/testkit/testfile"
)

// With Apache and Jetty computing and checking the digest instead of the simulator,
// nonces that expire after 2 s, 20 organizations at once, and scrapes across several
// expiries, every sample is correct.
func TestRealDigestServers(t *testing.T) {
	tests := []struct {
		name  string
		start func(testing.TB, realdigest.Options) *realdigest.Server
		opts  realdigest.Options
	}{
		{"Apache", realdigest.StartApache, realdigest.Options{NonceLifetime: 2 * time.Second}},
		{"Apache with TLS", realdigest.StartApache, realdigest.Options{NonceLifetime: 2 * time.Second, TLS: true}},
		{"Apache with nonces that serve once", realdigest.StartApache, realdigest.Options{OneTimeNonces: true}},
		{"Jetty", realdigest.StartJetty, realdigest.Options{NonceLifetime: 2 * time.Second}},
	}
	const orgs, scrapes = 20, 8
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var answered atomic.Int64
			tt.opts.Keys = map[string]string{publicKey: privateKey}
			tt.opts.Backend = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answered.Add(1)
				org := strings.Split(r.URL.Path, "/")[5]
				status := "SYNCED"
				if org[len(org)-1]%2 == 1 {
					status = "NOT_SYNCED"
				}
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintf(w, "{\n  \"status\": %q\n}\n", status)
			})
			server := tt.start(t, tt.opts)
			f := start(t, settings{orgs: orgs})
			f.loadReal(t, server)
			begun := time.Now()
			for scrape := range scrapes {
				s := f.scrape(t, "60")
				for i, org := range f.manager.Orgs {
					want := "1"
					if org.ID[len(org.ID)-1]%2 == 1 {
						want = "0"
					}
					if got := s.State(t, org.ID); got != want {
						t.Errorf("scrape %d, organization %d: got %s, want %s", scrape, i, got, want)
					}
				}
				time.Sleep(700 * time.Millisecond) // nonces expire by the server's clock
			}
			if got := answered.Load(); got != orgs*scrapes {
				t.Errorf("%d answers, want %d", got, orgs*scrapes)
			}
			challenges := requests(f.scrape(t, "60"), "401")
			t.Logf("%d polls cost %d requests with code 401", orgs*(scrapes+1), challenges)
			if expiries := int(time.Since(begun)/(2*time.Second)) + 1; !tt.opts.OneTimeNonces && challenges > 16*expiries {
				t.Errorf("%d requests with code 401: more than one for each poll in flight at an expiry", challenges)
			}
		})
	}
}

// loadReal makes the exporter poll a real server instead of the simulated one.
func (f *fixture) loadReal(t *testing.T, server *realdigest.Server) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "ops_managers:\n  - url: %s\n    name: production\n    api_key: {public_key: %s, private_key: %s}\n    timeout: 1m\n", server.URL, publicKey, privateKey)
	if server.CAFile != "" {
		fmt.Fprintf(&b, "    tls_config: {ca_file: %s}\n", server.CAFile)
	}
	b.WriteString("    orgs:\n")
	for _, org := range f.manager.Orgs {
		fmt.Fprintf(&b, "      - id: %s\n", org.ID)
	}
	file := filepath.Join(t.TempDir(), "opsmanager.yml")
	testfile.Write(t, file, b.String())
	if err := f.exporter.Load(file); err != nil {
		t.Fatal(err)
	}
}

// requests returns the number of requests with a status code.
func requests(s samples, code string) (n int) {
	fmt.Sscan(s[fmt.Sprintf(`opsmanager_api_requests_total{code=%q,ops_manager="production"}`, code)], &n)
	return n
}
