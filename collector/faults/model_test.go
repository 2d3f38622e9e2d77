package faults_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/wait"
)

var modelSeed = flag.Uint64("model.seed", 0, "what TestModelOfTheTruth chooses by; 0 for the time")

// TestModelOfTheTruth scrapes, reloads and rotates an API key and a service account at random,
// while Ops Manager changes statuses, fails, slows down, forgets its nonces, revokes tokens,
// issues none or false ones, and is restarted at random. Each 1
// and 0 must be a status that was served for that organization in a response that could be
// read during that scrape. A healthy organization must have a status.
func TestModelOfTheTruth(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	scrapes := ci.Amount(600, 2000, 20000)
	seed := *modelSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("choices of -model.seed=%d", seed)
	m := newModel(t)

	done := make(chan struct{})
	var actors, scrapers sync.WaitGroup
	act := func(n uint64, pause time.Duration, step func(*rand.Rand)) {
		actors.Go(func() {
			random := rand.New(rand.NewPCG(seed, n))
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Duration(random.Int64N(int64(2 * pause)))):
					step(random)
				}
			}
		})
	}
	actors.Go(func() { m.watchLag(done) })
	act(1, 2*time.Millisecond, m.changeStatus)
	act(2, 20*time.Millisecond, m.changeFault)
	act(3, 150*time.Millisecond, func(random *rand.Rand) {
		switch random.IntN(6) {
		case 0:
			m.server.Restart()
		case 1, 2:
			m.server.RevokeTokens()
		default:
			m.server.ForgetNonces()
		}
	})
	act(6, 300*time.Millisecond, m.changeTokens)
	act(4, 60*time.Millisecond, func(random *rand.Rand) { m.reload(t, random) })
	act(5, 100*time.Millisecond, func(random *rand.Rand) { m.rotate(t, random) })

	var left atomic.Int64
	left.Store(int64(scrapes))
	for n := range uint64(4) {
		scrapers.Go(func() {
			random := rand.New(rand.NewPCG(seed, 100+n))
			for left.Add(-1) >= 0 && !t.Failed() {
				m.scrape(t, random)
			}
		})
	}
	scrapers.Wait()
	close(done)
	actors.Wait()

	m.calm(t)
	t.Logf("%d scrapes: %d values of 1, %d of 0, %d unknown; %d reloads, %d rotations of the key; at most %s late", scrapes,
		m.seen["1"], m.seen["0"], m.seen["unknown"], m.reloads.Load(), m.rotations.Load(), time.Duration(m.lag.Load()))
	if least := scrapes / 10; m.seen["1"] < least || m.seen["0"] < least || m.seen["unknown"] < least {
		t.Error("too few of one kind to prove anything")
	}
}

const (
	modelOrgs = 12
	// modelTimeout is the poll timeout.
	modelTimeout = 150 * time.Millisecond
	// slack is how long the last byte of a response may take from the server to the
	// exporter on a machine that is not busy.
	slack = 200 * time.Millisecond
)

// model is a simulated Ops Manager that changes at random, an exporter, and a record of all
// statuses served.
type model struct {
	*world
	server    *simulator.Server
	dir       string
	faults    map[bool][]simulator.Answer // whether they are those of organizations with the service account
	reloads   atomic.Int64
	rotations atomic.Int64
	keys      int              // rotations at the server
	key       string           // the private key and client secret at the server; guarded by mu
	tokens    simulator.Answer // to requests for tokens; guarded by mu
	ran       atomic.Int64     // when the machine last ran watchLag, in nanoseconds
	lag       atomic.Int64     // the longest that the machine let somebody wait, a time.Duration

	mu     sync.Mutex
	status [modelOrgs]string
	fault  [modelOrgs]simulator.Answer // nil for none
	served [modelOrgs][]served
	seen   map[string]int
}

// served is one response with a status.
type served struct {
	status     string
	begun, end time.Time // end is zero while it is being written
}

func newModel(t *testing.T) *model {
	m := &model{
		world: newWorld(t, 0), server: scene{T: t}.simulate(simulator.Options{}), dir: t.TempDir(), seen: make(map[string]int), key: privateKey,
		faults: map[bool][]simulator.Answer{false: {simulator.Hang()}, true: {simulator.Hang()}},
	}
	for _, f := range allFaults(t) {
		if f.answer != nil && f.want != "1" && f.want != "0" && f.want != "timeout" {
			m.faults[f.account] = append(m.faults[f.account], f.answer)
		}
	}
	for i := range modelOrgs {
		m.status[i] = healthyStatus(i)
		m.server.SetOrg(faultOrg(i), simulator.Org{Answer: m.answer(i)})
	}
	testfile.Write(t, filepath.Join(m.dir, "public"), publicKey)
	testfile.Write(t, filepath.Join(m.dir, "private"), privateKey)
	m.configure(t, modelTimeout, 8, modelOrgs)
	return m
}

// answer responds with the status of an organization, or its fault, and records the status
// with the time of writing.
func (m *model) answer(i int) simulator.Answer {
	answers := map[string]simulator.Answer{"SYNCED": simulator.Status("SYNCED"), "NOT_SYNCED": simulator.Status("NOT_SYNCED")}
	return func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		fault, status := m.fault[i], m.status[i]
		if fault != nil {
			m.mu.Unlock()
			fault(w, r)
			return
		}
		n := len(m.served[i])
		m.served[i] = append(m.served[i], served{status: status, begun: time.Now()})
		m.mu.Unlock()
		if n%16 == 0 {
			time.Sleep(modelTimeout / 3)
		}
		answers[status](w, r)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.served[i][n].end = time.Now()
	}
}

// watchLag measures how much later than it should the machine runs somebody.
func (m *model) watchLag(done <-chan struct{}) {
	for {
		m.ran.Store(time.Now().UnixNano())
		select {
		case <-done:
			return
		case <-time.After(5 * time.Millisecond):
			m.lag.Store(int64(m.longestLag()))
		}
	}
}

// longestLag returns the longest that the machine let somebody wait. That includes
// watchLag, which may be waiting still.
func (m *model) longestLag() time.Duration {
	return max(time.Duration(m.lag.Load()), time.Since(time.Unix(0, m.ran.Load())))
}

func (m *model) changeStatus(random *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := random.IntN(modelOrgs)
	if i == 0 {
		return // one organization never changes
	}
	m.status[i] = healthyStatus(random.IntN(2))
}

// changeTokens lets the endpoint for tokens fail or lie every other time.
func (m *model) changeTokens(random *rand.Rand) {
	answers := []simulator.Answer{
		simulator.Hang(), simulator.UnexpectedError(), simulator.TokenWith("access_token", "YW5vdGhlcg=="), simulator.RateLimited(""),
		simulator.TokenWith("expires_in", 1), simulator.Slowly(time.Millisecond, simulator.Token()),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens = nil
	if random.IntN(2) == 0 {
		m.tokens = answers[random.IntN(len(answers))]
	}
	m.setAccount()
}

// setAccount sets the service account at the server. The caller holds the mutex.
func (m *model) setAccount() {
	m.server.SetAccount(publicKey, simulator.Account{Secret: m.key, Answer: m.tokens})
}

func (m *model) changeFault(random *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := 1 + random.IntN(modelOrgs-1)
	m.fault[i] = nil
	if random.IntN(3) == 0 {
		faults := m.faults[withAccount(i)]
		m.fault[i] = faults[random.IntN(len(faults))]
	}
}

// withAccount reports whether an organization has the service account: every other one of each
// status.
func withAccount(i int) bool { return i/2%2 == 1 }

// configure loads a configuration with the first orgs organizations.
func (m *model) configure(t *testing.T, timeout time.Duration, concurrency, orgs int) {
	text := fmt.Sprintf(`ops_managers:
  - url: %s
    name: model
    api_key: {public_key_file: %q, private_key_file: %q}
    timeout: %s
    max_concurrent_requests: %d
    orgs:
`, m.server.URL(), filepath.Join(m.dir, "public"), filepath.Join(m.dir, "private"), timeout, concurrency)
	for i := range orgs {
		text += fmt.Sprintf("      - id: %q\n", faultOrg(i))
		if withAccount(i) {
			text += fmt.Sprintf("        service_account: {client_id_file: %q, client_secret_file: %q}\n", filepath.Join(m.dir, "public"), filepath.Join(m.dir, "private"))
		}
	}
	testfile.Write(t, m.file, text)
	if err := m.exporter.Load(m.file); err != nil {
		t.Error(err)
	}
}

func (m *model) reload(t *testing.T, random *rand.Rand) {
	m.reloads.Add(1)
	m.configure(t, modelTimeout+time.Duration(random.IntN(3))*time.Millisecond, 6+random.IntN(4), modelOrgs-random.IntN(2))
}

// rotate changes the private key and client secret, first at the server or first in the file.
func (m *model) rotate(t *testing.T, random *rand.Rand) {
	m.rotations.Add(1)
	m.keys++
	key := fmt.Sprintf("%s-%d", privateKey, m.keys)
	file := filepath.Join(m.dir, "private")
	swap := func() {
		testfile.Write(t, file+".new", key)
		if err := os.Rename(file+".new", file); err != nil {
			t.Error(err)
		}
	}
	first := random.IntN(2) == 0
	if !first {
		swap()
	}
	m.server.SetKey(publicKey, key)
	m.mu.Lock()
	m.key = key
	m.setAccount()
	m.mu.Unlock()
	if first {
		swap()
	}
}

// scrape scrapes all organizations or probes one, and compares the result with the statuses
// served in the meantime.
func (m *model) scrape(t *testing.T, random *rand.Rand) {
	first, last, path := 0, modelOrgs-1, "/metrics" // reloads add and remove the last one
	if random.IntN(4) == 0 {
		first = random.IntN(modelOrgs - 1)
		last, path = first+1, "/probe?target="+faultOrg(first)
	}
	timeout := offset + modelTimeout*time.Duration(1+random.IntN(4))/2
	begun := time.Now()
	s, err := exposition.Scrape(t.Context(), m.url+path, timeout)
	end := time.Now()
	if err != nil {
		if !strings.Contains(err.Error(), "could not be rendered before its timeout") { // on a slow machine
			t.Error(err)
		}
		return
	}
	underWay := slack + 3*m.longestLag()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := first; i < last; i++ {
		state := s.State(t, faultOrg(i))
		if state != "0" && state != "1" {
			m.seen["unknown"]++
			continue
		}
		m.seen[state]++
		want := map[string]string{"1": "SYNCED", "0": "NOT_SYNCED"}[state]
		found := false
		for n := len(m.served[i]) - 1; n >= 0 && !found; n-- {
			a := m.served[i][n]
			if !a.end.IsZero() && a.end.Before(begun.Add(-underWay)) {
				break
			}
			found = a.status == want && !a.begun.After(end)
		}
		if !found {
			t.Errorf("organization %d is %s, and no such status was served for it during the scrape, from %s to %s with up to %s under way, only %+v",
				i, state, begun, end, underWay, m.served[i][max(0, len(m.served[i])-3):])
		}
	}
	if got := m.served[0]; first == 0 && len(got) > 0 && s.State(t, faultOrg(0)) == "0" {
		t.Error("the organization that is always SYNCED is NOT_SYNCED")
	}
}

// calm ends all faults: the first scrape after the polls in flight have ended is complete.
func (m *model) calm(t *testing.T) {
	m.mu.Lock()
	m.fault = [modelOrgs]simulator.Answer{}
	m.tokens = nil
	m.setAccount()
	m.mu.Unlock()
	m.configure(t, patient, 8, modelOrgs)
	wait.For(t, "what hangs ends with its timeout", func() bool { return m.server.Counts().InFlight == 0 })
	s, err := exposition.Scrape(t.Context(), m.url+"/metrics", patient)
	if err != nil {
		t.Fatal(err)
	}
	for i := range modelOrgs {
		want := map[string]string{"SYNCED": "1", "NOT_SYNCED": "0"}[m.status[i]]
		if got := s.State(t, faultOrg(i)); got != want {
			t.Errorf("after the storm organization %d is %s, want %s", i, got, want)
		}
	}
}
