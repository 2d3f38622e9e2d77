package collector_test

import (
	"strings"
	"testing"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/config"
)

// A snapshot has the same advice as check.
func TestAdvice(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 4})
	f.sim.SetOrg(orgID(1), simulator.Org{Answer: simulator.Status("NOT_SYNCED")})
	f.sim.SetOrg(orgID(2), simulator.Org{Answer: simulator.MissingRole(false)})
	f.manager.Orgs[3].Credentials = simulated.Key("unknown")
	f.manager.TLS = missingCA(t)
	f.apply()
	f.exporter.Snapshot() // before the first scrape
	f.scrape(t, "10")
	for i, o := range f.exporter.Snapshot().Orgs {
		if !strings.HasPrefix(o.Advice.Problem, "ca_file") || o.Advice.Fix != "Fix the file; it is read again at each scrape." {
			t.Errorf("organization %d, without its CA file: %+v", i, o.Advice)
		}
	}
	f.manager.TLS = config.TLS{}
	f.apply()
	results, _ := f.exporter.Targets().Poll(t.Context(), nil)
	for i, want := range []advice.Advice{
		{},
		advice.OfNotSynced(),
		{
			Problem: "HTTP 401 USER_UNAUTHORIZED: the API key lacks the Organization Owner role in the organization",
			Fix: `Grant the API key (api_key of Ops Manager "production") the Organization Owner role in the organization (Ops Manager: Access Manager, API Keys).` +
				" If the key belongs to another organization, configure a separate api_key for this one.",
		},
		{
			Problem: "HTTP 401: the API key was rejected",
			Fix:     "Check the public and private parts of the API key (the organization's own api_key), and that the key still exists in Ops Manager (Access Manager, API Keys).",
		},
	} {
		if got := f.exporter.Snapshot().Orgs[i].Advice; got != want {
			t.Errorf("organization %d:\n%+v\nwant\n%+v", i, got, want)
		}
		if got := f.exporter.Targets().Advice(&results.Orgs[i]); got != want {
			t.Errorf("result of organization %d:\n%+v\nwant\n%+v", i, got, want)
		}
	}
}

// missingCA returns settings with a CA file that does not exist.
func missingCA(t *testing.T) config.TLS {
	t.Helper()
	cfg, err := config.Load(testfile.New(t, "opsmanager.yml", "ops_managers:\n  - url: https://om.example.net\n    api_key: {public_key: a, private_key: b}\n"+
		"    tls_config: {ca_file: missing.pem}\n    orgs: [{id: "+orgID(0)+"}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return cfg.OpsManagers[0].TLS
}

// A snapshot is made once after each scrape, probe and reload, and reflects it.
func TestSnapshotIsMadeOnce(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 2})
	before := f.exporter.Snapshot()
	if f.exporter.Snapshot() != before {
		t.Error("made again although nothing happened")
	}
	f.scrape(t, "60")
	scraped := f.exporter.Snapshot()
	if scraped == before || scraped.Orgs[0].Polled.IsZero() || !before.Orgs[0].Polled.IsZero() {
		t.Errorf("after a scrape: %+v, before it %+v", scraped.Orgs[0], before.Orgs[0])
	}
	if f.exporter.Snapshot() != scraped {
		t.Error("made again although nothing happened since the scrape")
	}
	target, _ := f.exporter.Targets().Only(orgID(1))
	if _, ok := target.Poll(t.Context(), nil); !ok {
		t.Fatal("the probe was given up")
	}
	probed := f.exporter.Snapshot()
	if probed == scraped || !probed.Orgs[1].Polled.After(scraped.Orgs[1].Polled) {
		t.Error("a probe is not shown")
	}
	if err := f.exporter.Load("missing.yml"); err == nil {
		t.Fatal("a missing file was loaded")
	}
	failed := f.exporter.Snapshot()
	if failed == probed || failed.Reload.Err == nil {
		t.Error("a failed reload is not shown")
	}
	f.manager.Orgs = f.manager.Orgs[:1]
	f.apply()
	if got := f.exporter.Snapshot(); len(got.Orgs) != 1 || got.Reload.Err != nil {
		t.Errorf("after a reload: %+v", got)
	}
}
