package collector_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/wait"
	"opsmanager_exporter/config"
)

func TestReload(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 3, concurrency: 1}) // with several, net/http may open another connection too late
	f.sim.SetOrg(orgID(1), simulator.Org{Answer: simulator.OrgNotFound()})
	f.scrape(t, "60")
	f.scrape(t, "60")

	// Organizations are added and removed: those that stay keep their counts, nonce
	// and connections; the series of those that are removed disappear.
	removed := f.manager.Orgs[2]
	f.manager.Orgs = append([]config.Org{{ID: orgID(7), Name: "New"}}, f.manager.Orgs[:2]...)
	f.sim.SetOrg(orgID(7), simulator.Org{})
	f.apply()
	f.sim.ResetCounts()
	s := f.scrape(t, "60")
	if got := s.Link("scrape_errors_total", orgID(1)); got != "3" {
		t.Errorf("scrape_errors_total after a reload: %s, want 3", got)
	}
	if got := f.sim.Counts(); got.Requests != 3 || got.Challenges != 0 || got.Connections != 0 {
		t.Errorf("after a reload of unchanged connection settings: %+v", got)
	}
	for series := range s {
		if strings.Contains(series, removed.ID) {
			t.Errorf("series of a removed organization: %s", series)
		}
	}

	// A changed connection setting: new connections, same nonce and counts.
	f.manager.Timeout = 3 * time.Second
	f.apply()
	f.sim.ResetCounts()
	s = f.scrape(t, "60")
	if got := f.sim.Counts(); got.Requests != 3 || got.Challenges != 0 {
		t.Errorf("after a reload with another timeout: %+v", got)
	}
	if got := s.Link("scrape_errors_total", orgID(1)); got != "4" {
		t.Errorf("scrape_errors_total after another reload: %s, want 4", got)
	}

	// A renamed Ops Manager leaves no series with its old name.
	f.manager.Name = "staging"
	f.apply()
	for series := range f.scrape(t, "60") {
		if strings.Contains(series, "production") {
			t.Errorf("series of an Ops Manager that is gone: %s", series)
		}
	}
}

// An Ops Manager that is removed leaves no series, and no connection.
func TestRemovedOpsManager(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 1})
	f.scrape(t, "60")
	sim, other := simulated.OpsManager(t, simulator.Options{}, 0)
	sim.SetOrg(orgID(1), simulator.Org{})
	other.Name, other.Orgs = "other", []config.Org{{ID: orgID(1)}}
	f.exporter.Apply(&config.Config{OpsManagers: []config.OpsManager{other}})
	s := f.scrape(t, "60")
	if got := s.State(t, orgID(1)); got != "1" {
		t.Errorf("the other Ops Manager: %s", got)
	}
	for series := range s {
		if strings.Contains(series, "production") || strings.Contains(series, orgID(0)) {
			t.Errorf("series of an Ops Manager that is gone: %s", series)
		}
	}
	wait.For(t, "its connections are closed", func() bool { return f.sim.Counts().Open == 0 })
}

// The counts of an organization and the version of its Ops Manager survive every
// reload that keeps them.
func TestCountsOutliveReloads(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 2})
	f.sim.SetOrg(orgID(1), simulator.Org{Answer: simulator.OrgNotFound()})
	before := f.scrape(t, "60")
	version := func(s samples, opsManager string) string {
		for series := range s {
			if strings.HasPrefix(series, "opsmanager_info{") && strings.Contains(series, `ops_manager="`+opsManager+`"`) {
				return series
			}
		}
		return "absent"
	}
	known := version(before, "production")
	if known == "absent" {
		t.Fatal("no opsmanager_info after a scrape")
	}

	// The organizations move to another Ops Manager.
	moved := f.manager
	moved.Name, moved.Timeout = "staging", 4*time.Second
	f.manager = moved
	f.apply()
	s := f.scrape(t, "60")
	if got := s.Link("scrape_errors_total", orgID(1)); got != "2" {
		t.Errorf("scrape_errors_total of an organization that moved: %s, want 2", got)
	}
	if got := s.Link("last_success_timestamp_seconds", orgID(0)); got == "absent" {
		t.Error("no time of the last success after a move")
	}

	// The version is known without another response.
	f.manager.Timeout = 3 * time.Second
	f.apply()
	for i := range 2 {
		f.sim.SetOrg(orgID(i), simulator.Org{BeforeAuth: simulator.Reset()})
	}
	s = f.scrape(t, "60")
	if got, want := version(s, "staging"), strings.ReplaceAll(known, "production", "staging"); got != want {
		t.Errorf("opsmanager_info after a reload: %s, want %s", got, want)
	}
	if got := s.Link("scrape_errors_total", orgID(1)); got != "3" {
		t.Errorf("scrape_errors_total after the failure: %s, want 3", got)
	}
}

// The slots stay with the Ops Manager, whatever changes: its timeout, name or
// organizations.
func TestSlotsOutliveReloads(t *testing.T) {
	t.Parallel()
	const slots = 4
	f := start(t, settings{orgs: 12, concurrency: slots, timeout: time.Minute})
	release := make(chan struct{})
	for i := range 12 {
		f.sim.SetOrg(orgID(i), simulator.Org{Answer: held(release)})
	}
	var scrapes sync.WaitGroup
	for round := range 4 {
		scrapes.Go(func() {
			if _, err := get(t, f.url, "60"); err != nil {
				t.Error(err)
			}
		})
		wait.For(t, "a scrape arrives, and all slots are taken", func() bool {
			return f.arrived.Load() > int64(round) && f.sim.Counts().InFlight == slots
		})
		f.manager.Timeout += time.Second
		f.manager.Name = []string{"production", "production", "staging", "staging"}[round]
		f.apply()
	}
	if got := f.sim.Counts().InFlight; got != slots {
		t.Errorf("%d requests at once with %d slots", got, slots)
	}
	close(release)
	scrapes.Wait()
	if got := f.sim.Counts().MaxInFlight; got != slots {
		t.Errorf("%d requests at once with %d slots", got, slots)
	}
}

// Close also cancels polls of Ops Managers that a reload replaced, starts no waiting
// polls, and leaves no connection open.
func TestClose(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 12, concurrency: 4, timeout: time.Minute})
	if got := f.states(t, f.scrape(t, "60"))["1"]; got != 12 {
		t.Fatalf("%d organizations", got)
	}
	for i := range 12 {
		f.sim.SetOrg(orgID(i), simulator.Org{Answer: simulator.Hang()})
	}
	f.sim.ResetCounts()
	ended := make(chan samples)
	go func() {
		s, err := get(t, f.url, "60")
		if err != nil {
			t.Error(err)
		}
		ended <- s
	}()
	wait.For(t, "all slots are taken", func() bool { return f.sim.Counts().InFlight == 4 })
	_, another := simulated.OpsManager(t, simulator.Options{}, 1)
	another.Name = "another"
	f.exporter.Apply(&config.Config{OpsManagers: []config.OpsManager{another}})
	f.exporter.Close()
	states := f.states(t, <-ended)
	if states["not_reached"] != 8 || f.sim.Counts().Requests != 4 {
		t.Errorf("%d requests, states %v", f.sim.Counts().Requests, states)
	}
	f.apply() // has no effect
	if got := f.exporter.Targets().Orgs(); len(got) != 1 {
		t.Errorf("%d organizations are configured after Close", len(got))
	}
	wait.For(t, "no connection is open after Close", func() bool { return f.sim.Counts().Open == 0 })
}

// A reload applies the changes to an organization and keeps the rest: the shared key
// that was last read, and the counters of the API.
func TestReloadOfOneOrganization(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 1})
	dir := t.TempDir()
	file := filepath.Join(dir, "om.key")
	testfile.Write(t, file, privateKey)
	f.manager.Credentials = &config.Credentials{Public: config.Half{Text: config.NewSecret(publicKey)}, Private: config.Half{File: file}}
	f.apply()
	f.expect(t, "before", "1")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	f.manager.Timeout = 4 * time.Second
	f.manager.Orgs[0].Name = "Payments"
	f.manager.Orgs = slices.Clone(f.manager.Orgs)
	f.apply()
	s := f.scrape(t, "60")
	if got := s.State(t, orgID(0)); got != "1" {
		t.Errorf("the key file is gone: %s, want the key that was last read", got)
	}
	if got := s[`opsmanager_api_requests_total{code="200",ops_manager="production"}`]; got != "2" {
		t.Errorf("opsmanager_api_requests_total %s, want 2", got)
	}
	if s[`opsmanager_migration_link_info{ops_manager="production",org_id="`+orgID(0)+`",org_name="Payments"}`] != "1" {
		t.Errorf("no info with the new name: %v", s)
	}
}

// A team is a label from the next scrape on; that of the organization overrides that
// of its Ops Manager. Changing it keeps connections, nonces and counts.
func TestReloadOfTeams(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 3, concurrency: 1})
	f.sim.SetOrg(orgID(1), simulator.Org{Answer: simulator.OrgNotFound()})
	f.scrape(t, "10")
	f.sim.ResetCounts()
	for i, tt := range []struct {
		manager string
		own     string
		want    [2]string // the labels of an organization with its own team and of one without
	}{
		{"", "", [2]string{"", ""}},
		{"payments-dba", "", [2]string{`,team="payments-dba"`, `,team="payments-dba"`}},
		{"payments-dba", "risk-dba", [2]string{`,team="risk-dba"`, `,team="payments-dba"`}},
		{"commerce-dba", "risk-dba", [2]string{`,team="risk-dba"`, `,team="commerce-dba"`}},
		{"", "risk-dba", [2]string{`,team="risk-dba"`, `,team=""`}},
	} {
		f.manager.Team = tt.manager
		f.manager.Orgs = slices.Clone(f.manager.Orgs)
		f.manager.Orgs[0].Team = tt.own
		f.apply()
		s := f.scrape(t, "10")
		for org, label := range tt.want {
			info := `opsmanager_migration_link_info{ops_manager="production",org_id="` + orgID(org) + `",org_name="` + orgID(org) + `"` + label + `}`
			if s[info] != "1" {
				t.Errorf("reload %d: no %s in %v", i, info, s)
			}
		}
		if got, want := s.Link("scrape_errors_total", orgID(1)), strconv.Itoa(i+2); got != want {
			t.Errorf("reload %d: scrape_errors_total %s, want %s", i, got, want)
		}
		snapshot := f.exporter.Snapshot().Orgs
		if got, want := snapshot[2].Team, tt.manager; got != want {
			t.Errorf("reload %d: team %q in the snapshot, want %q", i, got, want)
		}
	}
	if got := f.sim.Counts(); got.Requests != 15 || got.Challenges != 0 || got.Connections != 0 {
		t.Errorf("five reloads of teams, with a scrape each: %+v", got)
	}
}

// The version belongs to the server at this URL.
func TestVersionOfAnotherServer(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 1})
	f.scrape(t, "60")
	_, another := simulated.OpsManager(t, simulator.Options{}, 0)
	f.manager.URL = another.URL
	f.apply()
	for series := range f.scrape(t, "60") {
		if strings.HasPrefix(series, "opsmanager_info{") && !strings.Contains(series, "8.0.14") {
			t.Errorf("%s", series)
		}
	}
}

// A scrape in flight during a reload finishes with the configuration that it started
// with, and leaves no series behind.
func TestReloadDuringScrape(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 2})
	release := make(chan struct{})
	f.sim.SetOrg(orgID(1), simulator.Org{Answer: held(release)})
	result := make(chan samples)
	go func() {
		s, err := get(t, f.url, "60")
		if err != nil {
			t.Error(err)
		}
		result <- s
	}()
	wait.For(t, "the poll is under way", func() bool { return f.sim.OrgCounts(orgID(1)).InFlight == 1 })
	gone := f.manager.Orgs[1]
	f.manager.Orgs = f.manager.Orgs[:1]
	f.manager.Name = "staging"
	f.apply()
	close(release)
	s := <-result
	if got := s.State(t, gone.ID); got != "1" {
		t.Errorf("in the scrape in flight: %s, want 1", got)
	}
	for series := range f.scrape(t, "60") {
		if strings.Contains(series, gone.ID) || strings.Contains(series, "production") {
			t.Errorf("series of what the reload removed: %s", series)
		}
	}
}

func TestBadFileChangesNothing(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 3})
	dir := keyFiles(t)
	f.load(t, dir, "")
	before := f.scrape(t, "60")
	bad := filepath.Join(dir, "bad.yml")
	testfile.Write(t, bad, "ops_managers: []\n")
	if err := f.exporter.Load(bad); err == nil {
		t.Error("a bad file was loaded")
	}
	if err := f.exporter.Load(filepath.Join(dir, "missing.yml")); !os.IsNotExist(err) && err == nil {
		t.Errorf("a missing file: %v", err)
	}
	after := f.scrape(t, "60")
	f.expect(t, "after a bad file", "1", "1", "1")
	const successful = "opsmanager_exporter_config_last_reload_successful"
	const timestamp = "opsmanager_exporter_config_last_reload_success_timestamp_seconds"
	if before[successful] != "1" || after[successful] != "0" {
		t.Errorf("%s: %s and then %s", successful, before[successful], after[successful])
	}
	if before[timestamp] != after[timestamp] {
		t.Errorf("%s: %s and then %s", timestamp, before[timestamp], after[timestamp])
	}
	f.load(t, dir, "")
	if got := f.scrape(t, "60")[successful]; got != "1" {
		t.Errorf("%s after a good file: %s", successful, got)
	}
}

// A hundred reloads during scrapes, each with a change, do not lose a sample.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	const orgs = 20
	f := start(t, settings{orgs: orgs})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, err := get(t, f.url, "60")
				if err != nil {
					t.Error(err)
					return
				}
				if got := f.states(t, s); got["1"] != orgs {
					t.Errorf("states %v", got)
				}
			}
		})
	}
	for i := range 100 {
		m := f.manager
		m.Timeout = time.Duration(5+i%3) * time.Second
		m.MaxConcurrentRequests = 4 + i%5
		m.Orgs = append(slices.Clone(m.Orgs), config.Org{ID: orgID(orgs + i), Name: "Passing"})
		f.exporter.Apply(&config.Config{OpsManagers: []config.OpsManager{m}})
		time.Sleep(2 * time.Millisecond) // lets scrapes run in between
	}
	close(stop)
	wg.Wait()
	wait.For(t, "few connections are open after 100 reloads", func() bool { return f.sim.Counts().Open <= 16 })
}

// A rejected configuration changes nothing.
func TestEveryBadFileChangesNothing(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 3, concurrency: 1})
	f.scrape(t, "60")
	files, err := filepath.Glob("../config/testdata/bad/*.yml")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d bad files, %v", len(files), err)
	}
	f.sim.ResetCounts()
	for _, file := range files {
		if err := f.exporter.Load(file); err == nil {
			t.Errorf("%s was loaded", file)
		}
	}
	f.expect(t, "after all bad files", "1", "1", "1")
	if got := f.sim.Counts(); got.Requests != 3 || got.Connections != 0 {
		t.Errorf("bad files cost nonces or connections: %+v", got)
	}
}
