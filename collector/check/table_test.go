package check

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/config"
)

// fleet returns a configuration of two Ops Managers with organizations in many
// states.
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
	got.want(t, "12 of 14 organizations gave no status")
	golden(t, "online.golden", got.stdout)
}

func TestJSON(t *testing.T) {
	got := run(t.Context(), t, Options{File: fleet(t), Online: true, JSON: true})
	got.want(t, "12 of 14 organizations gave no status")
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

// The configuration refuses such names; nothing of them moves a cursor anyway.
func TestOddNames(t *testing.T) {
	f := finding{
		target: target{
			manager: &config.OpsManager{Name: "pro\tduction\x1b[2J", URL: &url.URL{Scheme: "https", Host: "om"}},
			org:     &config.Org{ID: orgID(0), Name: "Pay\nments\r\u202e\u009b31m"},
		},
		duration: 12345 * time.Millisecond,
		reason:   opsmanager.ReasonRole,
		advice:   advice{"problem", "fix"},
	}
	want := "ORGANIZATION              NAME         OPS MANAGER    LINK     TIME     PROBLEM\n" +
		"5f1e9c2b8d3a4e0000000000  Payments31m  production[2J  unknown  12.345s  role: problem\n"
	if got := table([]finding{f}); got != want {
		t.Errorf("got:\n%q\nwant:\n%q", got, want)
	}
	for _, r := range jsonText([]finding{f}) {
		if r < ' ' && r != '\n' || r == '\u202e' || r == '\u009b' {
			t.Errorf("JSON holds %q", r)
		}
	}
}

func TestFew(t *testing.T) {
	for n, want := range map[int]string{1: "0", 5: "0, 1, 2, 3, 4", 6: "0, 1, 2, 3, 4 and 1 more", 17: "0, 1, 2, 3, 4 and 12 more"} {
		var words []string
		for i := range n {
			words = append(words, fmt.Sprint(i))
		}
		if got := few(words); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
