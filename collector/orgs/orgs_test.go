package orgs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/config"
)

func TestYAML(t *testing.T) {
	s := simulate(t, 3)
	s.SetOrg(simulated.OrgID(3), simulator.Org{Name: "Gone", Deleted: true})
	s.SetOrg(simulated.OrgID(4), simulator.Org{Keys: []string{publicKey}})
	got := run(t.Context(), t, false, manager("production", s.URL(), org(1, "name: Payments")))
	got.want(t, "")
	want := `ops_managers:
  - name: "production"
    url: "http://HOST:PORT"
    # 4 organizations, 3 not configured
    orgs:
      # configured: 5f1e9c2b8d3a4e0000000001 "Team 1"
      - id: "5f1e9c2b8d3a4e0000000000"
        name: "Team 0"
      - id: "5f1e9c2b8d3a4e0000000002"
        name: "Team 2"
      - id: "5f1e9c2b8d3a4e0000000004"
`
	if got.body() != want || got.stderr != "" {
		t.Errorf("got:\n%s\nwant:\n%s\nstandard error:\n%s", got.body(), want, got.stderr)
	}
	if orgs := got.pasted(t).OpsManagers[0].Orgs; len(orgs) != 4 || orgs[1].Name != "Team 0" || orgs[3].ID != simulated.OrgID(4) {
		t.Errorf("pasted: %+v", orgs)
	}
	if c := s.Counts(); c.Requests != 2 || c.OK != 1 {
		t.Errorf("requests: %+v", c)
	}
}

func TestJSON(t *testing.T) {
	s := simulate(t, 2)
	s.SetKey("own-s3cr3t", privateKey)
	s.SetOrg(simulated.OrgID(2), simulator.Org{Keys: []string{"own-s3cr3t"}})
	got := run(t.Context(), t, true, manager("production", s.URL(), org(0), org(2, keyOf("own-s3cr3t"))))
	got.want(t, "")
	want := `[
  {
    "org_id": "5f1e9c2b8d3a4e0000000000",
    "org_name": "Team 0",
    "ops_manager": "production",
    "configured": true,
    "credentials_of": null
  },
  {
    "org_id": "5f1e9c2b8d3a4e0000000001",
    "org_name": "Team 1",
    "ops_manager": "production",
    "configured": false,
    "credentials_of": null
  },
  {
    "org_id": "5f1e9c2b8d3a4e0000000002",
    "org_name": "5f1e9c2b8d3a4e0000000002",
    "ops_manager": "production",
    "configured": true,
    "credentials_of": "5f1e9c2b8d3a4e0000000002"
  }
]
`
	if got.stdout != want || got.stderr != "" {
		t.Errorf("got:\n%s\nwant:\n%s\nstandard error:\n%s", got.stdout, want, got.stderr)
	}
}

func TestNothingToPaste(t *testing.T) {
	s := simulate(t, 1)
	got := run(t.Context(), t, false, manager("production", s.URL(), org(0)))
	got.want(t, "")
	if want := "    # 1 organization, 0 not configured\n    orgs: []\n      # configured: 5f1e9c2b8d3a4e0000000000 \"Team 0\"\n"; !strings.HasSuffix(got.stdout, want) {
		t.Errorf("got:\n%s", got.stdout)
	}
	got.pasted(t)
	s.RemoveOrg(simulated.OrgID(0))
	got = run(t.Context(), t, true, manager("production", s.URL(), org(0)))
	got.want(t, "")
	if got.stdout != "[]\n" {
		t.Errorf("got:\n%s", got.stdout)
	}
}

// 1,200 organizations take three requests and a challenge with a global key.
func Test1200Organizations(t *testing.T) {
	const n = 1200
	s := simulate(t, n)
	s.SetKey("global-s3cr3t", privateKey)
	s.SetGlobal("global-s3cr3t")
	one := managerWith("production", s.URL(), keyOf("global-s3cr3t"), org(7))
	got := run(t.Context(), t, false, one)
	got.want(t, "")
	orgs := got.pasted(t).OpsManagers[0].Orgs
	if len(orgs) != n || orgs[n-1].ID != simulated.OrgID(n-1) || orgs[n-1].Name != "Team 1199" {
		t.Errorf("%d organizations, the last is %+v", len(orgs), orgs[len(orgs)-1])
	}
	if c := s.Counts(); c.Requests != 4 || c.OK != 3 || c.Challenges != 1 {
		t.Errorf("requests: %+v", c)
	}
	if records := decoded(t, run(t.Context(), t, true, one).stdout); len(records) != n || !records[7].Configured || records[8].Configured {
		t.Errorf("%d records", len(records))
	}
}

// Keys of organizations that see no other take a request and a challenge each, within
// max_concurrent_requests.
func TestOneKeyForEachOrganization(t *testing.T) {
	const n = 200
	s := simulate(t, 0)
	var configured []string
	for i := range n {
		key := fmt.Sprintf("key-s3cr3t-%d", i)
		s.SetKey(key, privateKey)
		s.SetOrg(simulated.OrgID(i), simulator.Org{Keys: []string{key}})
		configured = append(configured, org(i, keyOf(key)))
	}
	got := run(t.Context(), t, false, managerWith("production", s.URL(), "max_concurrent_requests: 8", configured...))
	got.want(t, "")
	if !strings.Contains(got.stdout, "# 200 organizations, 0 not configured\n") {
		t.Errorf("got:\n%.400s", got.stdout)
	}
	if c := s.Counts(); c.OK != n || c.Requests != 2*n || c.MaxInFlight > 8 {
		t.Errorf("requests: %+v", c)
	}
}

// An organization is printed once, under the Ops Manager that it is configured for or whose
// own key sees it, whatever other keys see it too.
func TestSeveralKeys(t *testing.T) {
	s := simulate(t, 0)
	for _, key := range []string{"first-s3cr3t", "second-s3cr3t", "files-s3cr3t"} {
		s.SetKey(key, privateKey)
	}
	public, private := testfile.New(t, "a.pub", "files-s3cr3t\n"), testfile.New(t, "a.key", privateKey+"\n")
	for i, keys := range [][]string{
		0: {publicKey, "first-s3cr3t", "second-s3cr3t"}, // configured in the second Ops Manager
		1: {publicKey, "first-s3cr3t"},                  // configured in the first, with the first key
		2: {"first-s3cr3t", "second-s3cr3t"},            // seen by keys of organizations alone
		3: {"files-s3cr3t"},                             // seen by a key in files
		4: {"first-s3cr3t", publicKey, "files-s3cr3t"},  // seen by all
		5: {"second-s3cr3t"},                            // configured in the second
	} {
		s.SetOrg(simulated.OrgID(i), simulator.Org{Keys: keys, Name: map[int]string{2: "Risk"}[i]})
	}
	got := run(t.Context(), t, false,
		managerWith("one", s.URL(), "", org(1, "api_key: {public_key: first-s3cr3t, private_key_file: "+private+"}"), org(9, "api_key: {public_key_file: "+public+", private_key_file: "+private+"}")),
		manager("two", s.URL(), org(0), org(5, keyOf("second-s3cr3t")), org(8, keyOf(publicKey))))
	got.want(t, "")
	want := `ops_managers:
  - name: "one"
    url: "http://HOST:PORT"
    # 3 organizations, 2 not configured
    orgs:
      # configured: 5f1e9c2b8d3a4e0000000001
      # needs the api_key of organization 5f1e9c2b8d3a4e0000000001: 5f1e9c2b8d3a4e0000000002 "Risk"
      - id: "5f1e9c2b8d3a4e0000000003"
        api_key: # that of organization 5f1e9c2b8d3a4e0000000009
          public_key_file: "` + public + `"
          private_key_file: "` + private + `"
  - name: "two"
    url: "http://HOST:PORT"
    # 3 organizations, 1 not configured
    orgs:
      # configured: 5f1e9c2b8d3a4e0000000000
      # configured: 5f1e9c2b8d3a4e0000000005
      - id: "5f1e9c2b8d3a4e0000000004"
`
	if got.body() != want || got.stderr != "" {
		t.Errorf("got:\n%s\nwant:\n%s\nstandard error:\n%s", got.body(), want, got.stderr)
	}
	cfg := got.pasted(t)
	if o := cfg.OpsManagers[0].Orgs[2]; o.ID != simulated.OrgID(3) || o.Credentials == nil || o.Credentials.Private.File != private {
		t.Errorf("pasted: %+v", o)
	}
	// One request for each of four keys, one of which is configured twice, and a challenge.
	if c := s.Counts(); c.Requests != 8 || c.OK != 4 {
		t.Errorf("requests: %+v", c)
	}
}

// One key that fails costs no other its organizations.
func TestFailures(t *testing.T) {
	s := simulate(t, 2)
	dead := simulated.Server(t, simulator.Options{})
	dead.SetKey(publicKey, privateKey)
	dead.SetList(simulator.RateLimited("30"))
	got := run(t.Context(), t, false,
		manager("production", s.URL(), org(0), org(5, keyOf("wrong-s3cr3t")), org(6, keyOf("worse-s3cr3t"))),
		manager("limited", dead.URL(), org(7)),
		managerWith("no key", dead.URL(), "api_key: {public_key: x-s3cr3t, private_key_file: missing.key}", org(8)))
	got.want(t, "the organizations of 4 of 5 credentials are unknown")
	if !strings.Contains(got.body(), "    # at least 2 organizations, 1 not configured: 2 of 3 credentials could not list all organizations\n    orgs:\n") ||
		strings.Count(got.body(), "    # unknown: 1 of 1 credential could not list any organizations\n    orgs: []\n") != 2 {
		t.Errorf("got:\n%s", got.body())
	}
	for _, want := range []string{
		"OPS MANAGER  CREDENTIALS                          PROBLEM\n",
		"production   API key of 5f1e9c2b8d3a4e0000000005  unauthorized: HTTP 401: the API key was rejected\n",
		"limited      API key of Ops Manager               rate_limited: HTTP 429 RATE_LIMITED: retry after 30s\n",
		"no key       API key of Ops Manager               credentials: private_key_file",
		"\nunauthorized, 2 credentials: HTTP 401: the API key was rejected\n  Check the public and private parts of the API key (the organization's own api_key), and",
		"\nrate_limited, 1 credential: HTTP 429",
		"\n  Fix the file; it is read again at each scrape.\n",
	} {
		if strings.Count(got.stderr, want) != 1 {
			t.Errorf("%q is not once in:\n%s", want, got.stderr)
		}
	}
	got.pasted(t)
}

// A page that fails leaves those before it.
func TestSecondPageFails(t *testing.T) {
	s := simulate(t, 501)
	s.SetList(simulator.Sequence(simulator.List(), simulator.HTML(502)))
	got := run(t.Context(), t, false, manager("production", s.URL(), org(0)))
	got.want(t, "the organizations of 1 of 1 credential are unknown")
	if orgs := got.pasted(t).OpsManagers[0].Orgs; len(orgs) != 500 {
		t.Errorf("%d organizations", len(orgs))
	}
	if !strings.Contains(got.stderr, "server_error: HTTP 502") {
		t.Errorf("standard error:\n%s", got.stderr)
	}
}

// A full page may have a successor, even if nothing says so.
func TestPagesWithoutCount(t *testing.T) {
	s := simulate(t, 1)
	page := func(from, to int) simulator.Answer {
		var results []string
		for i := from; i < to; i++ {
			results = append(results, fmt.Sprintf(`{"id":%q}`, simulated.OrgID(i)))
		}
		return simulator.Body(200, "application/json", `{"results":[`+strings.Join(results, ",")+`]}`)
	}
	s.SetList(simulator.Sequence(page(0, 500), page(500, 502)))
	got := run(t.Context(), t, false, manager("production", s.URL(), org(0)))
	got.want(t, "")
	if orgs := got.pasted(t).OpsManagers[0].Orgs; len(orgs) != 502 {
		t.Errorf("%d organizations", len(orgs))
	}
}

// Each page has the timeout of a poll.
func TestHangingPage(t *testing.T) {
	s := simulate(t, 1)
	s.SetList(simulator.Hang())
	got := run(t.Context(), t, false, managerWith("production", s.URL(), keyOf(publicKey)+"\n    timeout: 1s", org(0)))
	got.want(t, "the organizations of 1 of 1 credential are unknown")
	if !strings.Contains(got.stderr, "timeout: ") || !strings.Contains(got.stdout, "orgs: []\n") {
		t.Errorf("got:\n%s%s", got.stdout, got.stderr)
	}
}

func TestInterrupted(t *testing.T) {
	s := simulate(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	s.SetList(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	got := run(ctx, t, false, manager("production", s.URL(), org(0)))
	got.want(t, "interrupted")
	if got.stdout != "" {
		t.Errorf("got:\n%s", got.stdout)
	}
}

func TestBadConfiguration(t *testing.T) {
	got := run(t.Context(), t, false, manager("production", "ftp://x", org(0)))
	if got.err == nil || !strings.Contains(got.err.Error(), "opsmanager.yml:3: ops_managers[0].url: ") || got.stdout != "" {
		t.Errorf("%v, got:\n%s", got.err, got.stdout)
	}
}

func TestOutputThatFails(t *testing.T) {
	s := simulate(t, 1)
	e := collector.NewExporter(slog.New(slog.DiscardHandler), "test")
	defer e.Close()
	file := testfile.New(t, "opsmanager.yml", "ops_managers:\n"+manager("production", s.URL(), org(0)))
	err := Run(t.Context(), Options{File: file, Stdout: failing{}, Stderr: io.Discard, Exporter: e})
	if fmt.Sprint(err) != "write the result: broken pipe" {
		t.Errorf("got %v", err)
	}
}

// failing fails like a closed pipe.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// A service account sees organizations like an API key, with one token for all pages, and
// its files are printed where only it sees one.
func TestServiceAccounts(t *testing.T) {
	s := simulate(t, 0)
	for _, id := range []string{"mdb_sa_id_s3cr3t", "mdb_sa_id_of-an-org_s3cr3t"} {
		s.SetAccount(id, simulator.Account{Secret: "mdb_sa_sk_s3cr3t"})
	}
	for i := range 501 {
		s.SetOrg(simulated.OrgID(i), simulator.Org{Keys: []string{"mdb_sa_id_s3cr3t"}})
	}
	s.SetOrg(simulated.OrgID(501), simulator.Org{Keys: []string{"mdb_sa_id_of-an-org_s3cr3t"}})
	id, secret := testfile.New(t, "a.id", "mdb_sa_id_of-an-org_s3cr3t\n"), testfile.New(t, "a.secret", "mdb_sa_sk_s3cr3t\n")
	one := managerWith("cloud", s.URL(), "service_account: {client_id: mdb_sa_id_s3cr3t, client_secret: mdb_sa_sk_s3cr3t}",
		org(0), org(502, "service_account: {client_id_file: "+id+", client_secret_file: "+secret+"}"))
	got := run(t.Context(), t, false, one)
	got.want(t, "")
	want := `      - id: "5f1e9c2b8d3a4e00000001f5"
        service_account: # that of organization 5f1e9c2b8d3a4e00000001f6
          client_id_file: "` + id + `"
          client_secret_file: "` + secret + `"
`
	if !strings.HasSuffix(got.body(), want) {
		t.Errorf("got:\n...%s\nwant at its end:\n%s", got.body()[max(0, len(got.body())-1000):], want)
	}
	orgs := got.pasted(t).OpsManagers[0].Orgs
	if len(orgs) != 503 || orgs[502].Credentials == nil || orgs[502].Credentials.Kind != config.ServiceAccount {
		t.Errorf("%d organizations", len(orgs))
	}
	if c := s.Counts(); c.Requests != 5 || c.TokenRequests != 2 || c.OK != 5 {
		t.Errorf("requests: %+v", c)
	}
	for _, token := range s.Tokens() {
		if strings.Contains(got.stdout+got.stderr, token) {
			t.Error("a token shows")
		}
	}

	s.SetAccount("mdb_sa_id_s3cr3t", simulator.Account{Secret: "another"})
	got = run(t.Context(), t, true, one)
	got.want(t, "the organizations of 1 of 2 credentials are unknown")
	if records := decoded(t, got.stdout); len(records) != 1 || *records[0].CredentialsOf != simulated.OrgID(502) {
		t.Errorf("got:\n%s", got.stdout)
	}
	if want := "cloud        service account of Ops Manager  unauthorized: "; !strings.Contains(got.stderr, want) {
		t.Errorf("no %q in:\n%s", want, got.stderr)
	}
}
