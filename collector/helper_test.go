package collector_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/config"
)

const (
	publicKey  = "jkqmzxvt"
	privateKey = "5b1c2a7e-private"
)

// fixture is a simulated Ops Manager and an exporter that reads it through HTTP.
type fixture struct {
	sim      *simulator.Server
	exporter *collector.Exporter
	host     string // of the exporter
	url      string // of /metrics
	manager  config.OpsManager
	arrived  atomic.Int64 // scrapes of /metrics so far
}

// settings say what is unlike the usual in a fixture.
type settings struct {
	sim           simulator.Options
	orgs          int
	ownKeys       bool
	concurrency   int           // default 16
	timeout       time.Duration // default 5 s
	timeoutOffset time.Duration
	log           io.Writer
}

func orgID(i int) string { return fmt.Sprintf("5f1e9c2b8d3a4e00%08x", i) }

func start(t testing.TB, s settings) *fixture {
	t.Helper()
	sim, err := simulator.Start(s.sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	base, err := url.Parse(sim.URL())
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{sim: sim, manager: config.OpsManager{
		Name: "production", URL: base, APIKey: apiKey(publicKey, privateKey),
		Timeout: 5 * time.Second, MaxConcurrentRequests: 16,
	}}
	if s.concurrency != 0 {
		f.manager.MaxConcurrentRequests = s.concurrency
	}
	if s.timeout != 0 {
		f.manager.Timeout = s.timeout
	}
	sim.SetKey(publicKey, privateKey)
	for i := range s.orgs {
		org := config.Org{ID: orgID(i)}
		sim.SetOrg(org.ID, simulator.Org{})
		if s.ownKeys {
			public := fmt.Sprintf("own%05d", i)
			sim.SetKey(public, privateKey)
			org.APIKey = apiKey(public, privateKey)
		}
		f.manager.Orgs = append(f.manager.Orgs, org)
	}
	if s.log == nil {
		s.log = io.Discard
	}
	f.exporter = collector.NewExporter(slog.New(slog.NewTextHandler(s.log, nil)), "test")
	t.Cleanup(f.exporter.Close)
	f.apply()
	mux := http.NewServeMux()
	metrics := f.exporter.Metrics(s.timeoutOffset)
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, r *http.Request) {
		f.arrived.Add(1)
		metrics.ServeHTTP(w, r)
	})
	mux.Handle("/probe", f.exporter.Probe(s.timeoutOffset))
	mux.Handle("/sd", f.exporter.Discovery(nil))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	f.host = server.Listener.Addr().String()
	f.url = server.URL + "/metrics"
	return f
}

func apiKey(public, private string) *config.APIKey {
	return &config.APIKey{PublicKey: config.NewSecret(public), PrivateKey: config.NewSecret(private)}
}

func (f *fixture) apply() {
	f.exporter.Apply(&config.Config{OpsManagers: []config.OpsManager{f.manager}})
}

// scrape scrapes with an announced timeout and returns the samples.
func (f *fixture) scrape(t *testing.T, timeout string) samples {
	t.Helper()
	s, err := get(t, f.url, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, target, timeout string) (samples, error) {
	t.Helper()
	d, err := time.ParseDuration(timeout + "s")
	if err != nil {
		t.Fatal(err)
	}
	return exposition.Scrape(t.Context(), target, d)
}

// samples are the lines of an exposition.
type samples = exposition.Samples

// states counts how the organizations of the fixture stand.
func (f *fixture) states(t *testing.T, s samples) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for _, org := range f.manager.Orgs {
		counts[s.State(t, org.ID)]++
	}
	return counts
}

// held answers SYNCED when release is closed.
func held(release <-chan struct{}) simulator.Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
			return
		}
		simulator.Status("SYNCED")(w, r)
	}
}
