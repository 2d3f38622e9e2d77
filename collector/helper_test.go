package collector_test

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
	"opsmanager_exporter/config"
)

const (
	publicKey  = simulated.PublicKey
	privateKey = simulated.PrivateKey
)

// fixture is a simulated Ops Manager and an exporter that polls it.
type fixture struct {
	sim      *simulator.Server
	exporter *collector.Exporter
	host     string // of the exporter
	url      string // of /metrics
	manager  config.OpsManager
	arrived  atomic.Int64 // scrapes of /metrics so far
}

// settings are the settings of a fixture that differ from the default.
type settings struct {
	sim           simulator.Options
	orgs          int
	ownKeys       bool
	concurrency   int           // default 16
	timeout       time.Duration // default 1 m
	timeoutOffset time.Duration
	log           io.Writer
}

func orgID(i int) string { return simulated.OrgID(i) }

func start(t testing.TB, s settings) *fixture {
	t.Helper()
	sim, manager := simulated.OpsManager(t, s.sim, s.orgs)
	f := &fixture{sim: sim, manager: manager}
	f.manager.MaxConcurrentRequests = cmp.Or(s.concurrency, f.manager.MaxConcurrentRequests)
	f.manager.Timeout = cmp.Or(s.timeout, time.Minute)
	if s.ownKeys {
		for i := range f.manager.Orgs {
			public := fmt.Sprintf("own%05d", i)
			sim.SetKey(public, privateKey)
			f.manager.Orgs[i].Credentials = simulated.Key(public)
		}
	}
	if s.log == nil {
		s.log = io.Discard
	}
	logger := slog.New(slog.NewTextHandler(s.log, nil))
	f.exporter = collector.NewExporter(logger, "test")
	t.Cleanup(f.exporter.Close)
	f.apply()
	handler := web.New(web.Options{Exporter: f.exporter, Logger: logger, TimeoutOffset: s.timeoutOffset})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			f.arrived.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.host = server.Listener.Addr().String()
	f.url = server.URL + "/metrics"
	return f
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

// samples are the sample lines of an exposition.
type samples = exposition.Samples

// states counts the organizations of the fixture by state.
func (f *fixture) states(t *testing.T, s samples) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for _, org := range f.manager.Orgs {
		counts[s.State(t, org.ID)]++
	}
	return counts
}

// held responds with SYNCED once release is closed.
func held(release <-chan struct{}) simulator.Answer {
	return simulated.Held(release, simulator.Status("SYNCED"))
}
