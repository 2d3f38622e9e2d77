package collector_test

import "testing"

// A snapshot is made once for each scrape, probe and reload, and shows it.
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
