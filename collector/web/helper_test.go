package web_test

import (
	"cmp"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/leaks"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
	"opsmanager_exporter/config"
)

func TestMain(m *testing.M) { os.Exit(leaks.Run(m, 16)) }

// fixture is a simulated Ops Manager and the HTTP server of an exporter that polls it.
type fixture struct {
	sim     *simulator.Server
	handler http.Handler
	host    string
}

// start starts a fixture with the given number of organizations. The first is named
// Payments and has a team.
func start(tb testing.TB, orgs int, opts web.Options) *fixture {
	tb.Helper()
	sim, manager := simulated.OpsManager(tb, simulator.Options{}, orgs)
	manager.Orgs[0].Name, manager.Orgs[0].Team = "Payments", "payments-dba"
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	opts.Exporter = collector.NewExporter(opts.Logger, "test")
	tb.Cleanup(opts.Exporter.Close)
	opts.Exporter.Apply(&config.Config{OpsManagers: []config.OpsManager{manager}})
	f := &fixture{sim: sim, handler: web.New(opts)}
	server := httptest.NewServer(f.handler)
	tb.Cleanup(server.Close)
	f.host = server.Listener.Addr().String()
	return f
}

// scrape scrapes a path with an announced timeout of 10 s.
func (f *fixture) scrape(t *testing.T, path string) exposition.Samples {
	t.Helper()
	s, err := exposition.Scrape(t.Context(), "http://"+f.host+path, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// get returns the response of a path.
func (f *fixture) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	resp, err := http.Get("http://" + f.host + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
