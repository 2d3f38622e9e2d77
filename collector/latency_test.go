package collector_test

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/wait"
	"opsmanager_exporter/config"
)

// aside adds a healthy Ops Manager to the fixture.
func (f *fixture) aside(t *testing.T, name string, orgs int) *simulator.Server {
	t.Helper()
	sim, m := simulated.OpsManager(t, simulator.Options{}, 0)
	m.Name = name
	for i := range orgs {
		org := config.Org{ID: orgID(1000 + i)}
		sim.SetOrg(org.ID, simulator.Org{})
		m.Orgs = append(m.Orgs, org)
	}
	f.exporter.Apply(&config.Config{OpsManagers: []config.OpsManager{f.manager, m}})
	return sim
}

// Organizations that are polled last respond first: the scrape waits only for the
// slowest one, although its timeout is an hour.
func TestScrapeEndsWithTheSlowest(t *testing.T) {
	t.Parallel()
	const orgs = 5
	f := start(t, settings{orgs: orgs, timeout: time.Hour})
	releases := make([]chan struct{}, orgs)
	for i := range orgs {
		releases[i] = make(chan struct{})
		f.sim.SetOrg(orgID(i), simulator.Org{Answer: held(releases[i])})
	}
	quick := f.aside(t, "quick", 50)
	ended := make(chan samples)
	go func() {
		s, err := get(t, f.url, "3600")
		if err != nil {
			t.Error(err)
		}
		ended <- s
	}()
	wait.For(t, "all of the slow Ops Manager are asked, and all of the quick one answered", func() bool {
		return f.sim.Counts().InFlight == orgs && quick.Counts().OK == 50
	})
	for i := orgs - 1; i >= 0; i-- {
		select {
		case <-ended:
			t.Fatalf("the scrape ended before organization %d was answered", i)
		default:
		}
		close(releases[i])
		wait.For(t, "the answer", func() bool { return f.sim.OrgCounts(orgID(i)).OK == 1 })
	}
	s := <-ended
	if got := f.states(t, s); got["1"] != orgs {
		t.Errorf("states %v", got)
	}
}

// An Ops Manager whose slots are all held by polls that hang does not delay another
// one, in the same scrape or in others.
func TestSlowOpsManagerDelaysNoOther(t *testing.T) {
	t.Parallel()
	const orgs = 10
	f := start(t, settings{orgs: orgs, concurrency: 4, timeout: time.Hour})
	release := make(chan struct{})
	for i := range orgs {
		f.sim.SetOrg(orgID(i), simulator.Org{Answer: held(release)})
	}
	quick := f.aside(t, "quick", 100)
	ended := make(chan samples)
	go func() {
		s, err := get(t, f.url, "3600")
		if err != nil {
			t.Error(err)
		}
		ended <- s
	}()
	wait.For(t, "the slow one has no slot left, and the quick one has answered for all", func() bool {
		return f.sim.Counts().InFlight == 4 && quick.Counts().OK == 100
	})
	for range 3 {
		s, err := get(t, fmt.Sprintf("http://%s/probe?target=%s", f.host, orgID(1000)), "3600")
		if err != nil {
			t.Fatal(err)
		}
		if got := s.State(t, orgID(1000)); got != "1" {
			t.Errorf("probe of an organization of the quick one: %s", got)
		}
	}
	if got := f.sim.Counts(); got.OK != 0 {
		t.Fatalf("the slow one has answered: %+v", got)
	}
	close(release)
	if got := f.states(t, <-ended); got["1"] != orgs {
		t.Errorf("states %v", got)
	}
}

// The first scrape costs one extra round trip for each key, and one after a
// reload that replaces the client costs none.
func TestExtraRoundTrips(t *testing.T) {
	t.Parallel()
	const orgs = 60
	for name, tt := range map[string]struct {
		ownKeys bool
		keys    int
	}{
		"a shared key": {keys: 1},
		"own keys":     {ownKeys: true, keys: orgs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, settings{orgs: orgs, ownKeys: tt.ownKeys, timeout: time.Minute})
			for _, want := range []int{tt.keys, 0} {
				f.sim.ResetCounts()
				s := f.scrape(t, "60")
				if got := f.states(t, s); got["1"] != orgs {
					t.Errorf("states %v", got)
				}
				if got := f.sim.Counts(); got.Requests != orgs+want || got.Challenges != want {
					t.Errorf("want %d challenges for %d organizations: %+v", want, orgs, got)
				}
				f.manager.MaxConcurrentRequests++
				f.apply()
			}
		})
	}
}

// handshakes counts the handshakes of a server.
type handshakes struct{ full, resumed atomic.Int64 }

func (h *handshakes) count(s tls.ConnectionState) error {
	if s.DidResume {
		h.resumed.Add(1)
	} else {
		h.full.Add(1)
	}
	return nil
}

func TestTLSSessionsAreResumed(t *testing.T) {
	t.Parallel()
	ca := authority.New(t)
	var seen handshakes
	f := start(t, settings{orgs: 3, sim: simulator.Options{TLS: &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(t)}, VerifyConnection: seen.count,
	}}})
	dir := keyFiles(t)
	testfile.Write(t, filepath.Join(dir, "ca.pem"), ca.PEM())
	const trust = "tls_config: {ca_file: ca.pem}"
	const slot = "\n    max_concurrent_requests: 1" // with several, net/http may open more connections than it needs
	f.load(t, dir, trust+slot)
	f.expect(t, "at first", "1", "1", "1")
	if seen.full.Load() == 0 {
		t.Fatal("no handshake was seen")
	}
	resumes := func(when string) {
		t.Helper()
		seen.full.Store(0)
		seen.resumed.Store(0)
		f.expect(t, when, "1", "1", "1")
		if full, resumed := seen.full.Load(), seen.resumed.Load(); full != 0 || resumed == 0 {
			t.Errorf("%s: %d handshakes in full, %d resumed", when, full, resumed)
		}
	}
	f.sim.Restart()
	resumes("connections that broke")
	f.load(t, dir, trust+"\n    max_concurrent_requests: 2")
	resumes("a reload that replaces the client")

	// A session is not resumed with another CA, which did not verify it.
	testfile.Write(t, filepath.Join(dir, "ca.pem"), authority.New(t).PEM())
	f.expect(t, "another CA", "tls", "tls", "tls")
	testfile.Write(t, filepath.Join(dir, "ca.pem"), ca.PEM())
	f.expect(t, "the CA again", "1", "1", "1")
	f.load(t, dir, "tls_config: {ca_file: ca.pem, server_name: other.example}"+slot)
	f.expect(t, "another name", "tls", "tls", "tls")
}
