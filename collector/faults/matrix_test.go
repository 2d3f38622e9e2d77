package faults_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/wait"
)

// TestMatrix tests each fault in two ways: in one organization among healthy ones, and in
// all responses of an Ops Manager, even in place of a challenge or token, next to a healthy
// Ops Manager. Most faults are tested with an API key and with a service account. Outside CI
// each of these is tested in only one of the two ways, and those of service accounts that are
// not about them in one case of eight. If a fault can be mended, the first scrape afterwards
// is complete, or the first a second later if there was no token. With -v the results are
// printed.
func TestMatrix(t *testing.T) {
	ci.Long(t)
	p := &proof{}
	for name, alone := range map[string]bool{"one of many": false, "all it says": true} {
		t.Run(name, func(t *testing.T) {
			for i, f := range allFaults(t) {
				if !ci.Running() && (alone == (i%2 == 0) || f.isTwin() && i%16 > 1) {
					continue
				}
				t.Run(f.name, func(t *testing.T) {
					t.Parallel()
					wait.Growing(t, pollTimeout/2, func(timeout time.Duration) error {
						seen, err := meet(t, f, alone, timeout)
						if err == nil {
							p.add(f, name, seen)
						}
						return err
					})
				})
			}
		})
	}
	t.Log(p)
}

// meet scrapes a fault, and again after it was mended. It returns the observations about
// the organization with the fault.
func meet(t *testing.T, f fault, alone bool, timeout time.Duration) (sight, error) {
	const healthy = 6
	w := newWorld(t, healthy)
	w.timeout = timeout
	tt, orgs := w.prepare(t, f, alone)
	if tt.url == w.healthy.URL() && !f.account {
		w.load(t, orgs)
	} else {
		w.load(t, nil, manager("faulty", tt, orgs...))
	}
	seen := sight{healthy: healthy}
	s, err := w.tryScrape(t)
	if err != nil {
		return seen, err
	}
	for _, org := range orgs {
		if got := s.State(t, org); !f.gives(got, alone) {
			return seen, fmt.Errorf("got %s, want %s", got, f.when(alone))
		}
	}
	seen.state = s.State(t, orgs[0])
	if seen.seconds, err = strconv.ParseFloat(s.Link("scrape_duration_seconds", orgs[0]), 64); err != nil {
		t.Error(err)
	}
	if tt.mend == nil {
		return seen, nil
	}
	tt.mend()
	if s, err = w.tryScrape(t); err != nil {
		return seen, err
	}
	for _, org := range orgs {
		if got := s.State(t, org); got != "1" {
			return seen, fmt.Errorf("mended, and the next scrape is %s", got)
		}
	}
	seen.mended, seen.healthy = true, 2*healthy
	return seen, nil
}

// prepare returns an Ops Manager with the fault, and the organizations with the fault: the
// first among healthy ones, or all.
func (w *world) prepare(t *testing.T, f fault, alone bool) (target, []string) {
	t.Helper()
	n := 1
	if alone {
		n = 3
	}
	orgs := ids(n, faultOrg)
	if f.target != nil {
		tt := f.target(scene{t, orgs})
		tt.account = tt.account || f.account
		return tt, orgs
	}
	server := w.healthy
	if alone {
		server = scene{t, orgs}.simulate(simulator.Options{})
	}
	org := simulator.Org{Answer: f.answer, BeforeAuth: f.before}
	if alone {
		org = simulator.Org{BeforeAuth: f.before}
		if f.answer != nil {
			org.BeforeAuth = f.answer
		}
	}
	for _, id := range orgs {
		server.SetOrg(id, org)
	}
	if alone && f.account {
		server.SetAccount(publicKey, simulator.Account{Secret: privateKey, BeforeAuth: org.BeforeAuth})
	}
	return target{url: server.URL(), account: f.account, mend: func() {
		server.SetAccount(publicKey, simulator.Account{Secret: privateKey})
		for _, id := range orgs {
			server.SetOrg(id, simulator.Org{})
		}
	}}, orgs
}

// sight is the result of scraping a fault.
type sight struct {
	state   string
	seconds float64
	healthy int // samples
	mended  bool
}

// proof is the table of all tested faults.
type proof struct {
	mu    sync.Mutex
	lines []string
	total struct{ faults, mended, healthy int }
}

func (p *proof) add(f fault, how string, s sight) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, fmt.Sprintf("%s\t%s\t%s\t%.3f", strings.Trim(strconv.Quote(f.name), `"`), how, s.state, s.seconds))
	p.total.faults++
	p.total.healthy += s.healthy
	if s.mended {
		p.total.mended++
	}
}

func (p *proof) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.Sort(p.lines)
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nFAULT\tWHERE\tSTATE\tSECONDS")
	for _, line := range p.lines {
		fmt.Fprintln(w, line)
	}
	w.Flush()
	fmt.Fprintf(&b, "%d faults met, %d of them mended; %d samples of healthy organizations\n",
		p.total.faults, p.total.mended, p.total.healthy)
	return b.String()
}

// TestAllFaultsAtOnce tests all faults in one scrape of many Ops Managers.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	w := newWorld(t, 50)
	faults := ownFaults(t)
	orgs, others := w.everything(t, faults)
	for range 2 {
		w.meetAll(t, faults, orgs, others)
	}
}

// meetAll scrapes all faults at once, with more time if needed: the first handshakes with
// hundreds of servers may be slow.
func (w *world) meetAll(t *testing.T, faults []fault, further, others []string) {
	t.Helper()
	wait.Growing(t, w.timeout, func(timeout time.Duration) error {
		w.timeout = timeout
		w.load(t, further, others...)
		s, err := w.tryScrape(t)
		if err != nil {
			return err
		}
		for i, f := range faults {
			if got := s.State(t, faultOrg(i)); !f.gives(got, false) {
				return fmt.Errorf("%s: got %s, want %s", f.name, got, f.want)
			}
		}
		return nil
	})
}

// everything returns the configuration in which the organization of each fault's number has
// that fault: further organizations of the healthy Ops Manager, and other Ops Managers.
func (w *world) everything(t *testing.T, faults []fault) (further, others []string) {
	t.Helper()
	for i, f := range faults {
		org := faultOrg(i)
		if f.target != nil {
			tt := f.target(scene{t, []string{org}})
			tt.account = tt.account || f.account
			others = append(others, manager(f.name, tt, org))
			continue
		}
		w.healthy.SetOrg(org, simulator.Org{Answer: f.answer, BeforeAuth: f.before})
		if f.account {
			others = append(others, manager(fmt.Sprintf("account %d", i), target{url: w.healthy.URL(), account: true}, org))
			continue
		}
		further = append(further, org)
	}
	return further, others
}

// TestFlips polls organizations whose status changes with every response: each scrape
// shows the statuses of its own responses.
func TestFlips(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 6)
	w.timeout = patient
	orgs := ids(4, faultOrg)
	for _, org := range orgs {
		w.healthy.SetOrg(org, simulator.Org{Answer: simulator.Sequence(
			simulator.Status("SYNCED"), simulator.Status("NOT_SYNCED"), simulator.Status("SYNCED"), simulator.UnexpectedError(),
			simulator.Status("NOT_SYNCED"), simulator.Status("SYNCED"))})
	}
	w.load(t, orgs)
	for i, want := range []string{"1", "0", "1", "server_error", "0", "1", "1"} {
		s := w.scrape(t)
		for _, org := range orgs {
			if got := s.State(t, org); got != want {
				t.Errorf("scrape %d: got %s, want %s", i+1, got, want)
			}
		}
	}
}
