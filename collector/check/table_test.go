package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

// fleet returns a configuration of two Ops Managers with organizations in many states.
func fleet(t testing.TB) string {
	role, synced := simulator.MissingRole(false), simulator.Status("SYNCED")
	first := simulate(t, simulator.Options{}, synced, simulator.Status("NOT_SYNCED"),
		role, role, role, role, role, role, role,
		simulator.NotOnAccessList("192.0.2.17"), simulator.NotOnAccessList("192.0.2.17"), simulator.Status("SYNCING"))
	second := simulate(t, simulator.Options{PathPrefix: "/om"})
	second.SetOrg(orgID(20), simulator.Org{})
	second.SetOrg(orgID(21), simulator.Org{BeforeAuth: simulator.HTML(503)})
	names := manager("production", first.URL(), 12)
	names = strings.Replace(names, "id: "+orgID(0), "id: "+orgID(0)+"\n        name: Zahlungen (größte) <b>", 1)
	return configuration(t, names,
		"  - name: lab\n    url: "+second.URL()+"\n    api_key: {public_key: wrong-s3cr3t, private_key: wrong-s3cr3t}\n    orgs:\n"+
			"      - {id: "+orgID(20)+", name: Lab}\n      - {id: "+orgID(21)+"}\n")
}

func TestTable(t *testing.T) {
	got := run(t.Context(), t, Options{File: fleet(t), Online: true})
	got.want(t, "the status of 12 of 14 organizations is unknown")
	golden(t, "online.golden", got.stdout)
}

func TestJSON(t *testing.T) {
	got := run(t.Context(), t, Options{File: fleet(t), Online: true, JSON: true})
	got.want(t, "the status of 12 of 14 organizations is unknown")
	golden(t, "online.json.golden", got.stdout)
	records := decoded(t, got.stdout)
	if len(records) != 14 {
		t.Fatalf("%d records", len(records))
	}
	for i, r := range records {
		known := r.Status != nil
		if known == (r.Reason != nil) || known == (r.Problem != nil) || known == (r.Fix != nil) || r.Duration <= 0 {
			t.Errorf("record %d: %+v", i, r)
		}
	}
}

func TestNoOrganizations(t *testing.T) {
	if got := jsonText(nil); got != "[]\n" {
		t.Errorf("got %q", got)
	}
}

// The configuration rejects such names; even so, they must not move the cursor.
func TestOddNames(t *testing.T) {
	f := finding{
		ID: orgID(0), Name: "Pay\nments\r\u202e\u009b31m", OpsManager: "pro\tduction\x1b[2J", Team: "d\x1bba\u202e",
		Duration: 12345 * time.Millisecond,
		Err:      &opsmanager.Error{Reason: opsmanager.ReasonRole},
		Advice:   advice.Advice{Problem: "problem", Fix: "fix"},
	}
	want := "ORGANIZATION              NAME         OPS MANAGER    TEAM  LINK     TIME     PROBLEM\n" +
		"5f1e9c2b8d3a4e0000000000  Payments31m  production[2J  dba   unknown  12.345s  role: problem\n"
	if got := table([]finding{f}); got != want {
		t.Errorf("got:\n%q\nwant:\n%q", got, want)
	}
	for _, r := range jsonText([]finding{f}) {
		if r < ' ' && r != '\n' || r == '\u202e' || r == '\u009b' {
			t.Errorf("JSON holds %q", r)
		}
	}
}

// Teams are shown if there are any; that of an organization overrides that of its Ops
// Manager.
func TestTeams(t *testing.T) {
	synced := simulator.Status("SYNCED")
	s := simulate(t, simulator.Options{}, synced, synced)
	lab := simulate(t, simulator.Options{})
	lab.SetOrg(orgID(2), simulator.Org{Answer: synced})
	file := configuration(t,
		strings.Replace(manager("production", s.URL(), 2, "team: payments-dba"), "id: "+orgID(1), "id: "+orgID(1)+"\n        team: risk-dba", 1),
		strings.Replace(manager("lab", lab.URL(), 1), orgID(0), orgID(2), 1))
	got := run(t.Context(), t, Options{File: file, Online: true})
	got.want(t, "")
	const want = `ORGANIZATION              NAME  OPS MANAGER  TEAM          LINK    TIME    PROBLEM
5f1e9c2b8d3a4e0000000000  -     production   payments-dba  SYNCED  0.000s
5f1e9c2b8d3a4e0000000001  -     production   risk-dba      SYNCED  0.000s
5f1e9c2b8d3a4e0000000002  -     lab          -             SYNCED  0.000s
`
	if !strings.Contains(masked(got.stdout), "\n\n"+want+"\n") {
		t.Errorf("got:\n%s\nwant in it:\n%s", got.stdout, want)
	}
	var teams []string
	for _, r := range decoded(t, run(t.Context(), t, Options{File: file, Online: true, JSON: true}).stdout) {
		if r.Team == nil {
			r.Team = new(string)
			*r.Team = "null"
		}
		teams = append(teams, *r.Team)
	}
	if want := []string{"payments-dba", "risk-dba", "null"}; !slices.Equal(teams, want) {
		t.Errorf("teams %q, want %q", teams, want)
	}
}

// The kind of credentials is shown if any is a service account, and always in JSON; its
// secrets are not.
func TestKindsOfCredentials(t *testing.T) {
	s := simulate(t, simulator.Options{}, nil, nil)
	s.SetAccount("mdb_sa_id_s3cr3t", simulator.Account{Secret: "mdb_sa_sk_s3cr3t"})
	file := configuration(t, manager("om", s.URL(), 1)+
		"      - {id: "+orgID(1)+", service_account: {client_id: mdb_sa_id_s3cr3t, client_secret: mdb_sa_sk_s3cr3t}}\n")
	got := run(t.Context(), t, Options{File: file, Online: true})
	got.want(t, "")
	const want = `ORGANIZATION              NAME  OPS MANAGER  CREDENTIALS      LINK    TIME    PROBLEM
5f1e9c2b8d3a4e0000000000  -     om           API key          SYNCED  0.000s
5f1e9c2b8d3a4e0000000001  -     om           service account  SYNCED  0.000s
`
	if out := masked(got.stdout); !strings.Contains(out, "\n\n"+want+"\n") || !strings.Contains(out, "  API key, service account  none  none ") {
		t.Errorf("got:\n%s\nwant in it:\n%s", got.stdout, want)
	}
	var kinds []string
	for _, r := range decoded(t, run(t.Context(), t, Options{File: file, Online: true, JSON: true}).stdout) {
		kinds = append(kinds, r.Credentials)
	}
	if !slices.Equal(kinds, []string{"api_key", "service_account"}) {
		t.Errorf("kinds: %q", kinds)
	}
}
