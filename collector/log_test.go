package collector_test

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/testlog"
	"opsmanager_exporter/collector/testkit/wait"
)

// Changes are logged once.
func TestLog(t *testing.T) {
	t.Parallel()
	var log testlog.Buffer
	f := start(t, settings{orgs: 30, log: &log})
	const org = "org_id=5f1e9c2b8d3a4e0000000000 org_name=5f1e9c2b8d3a4e0000000000 ops_manager=production"
	const role = `level=WARN msg="Migration link status is unknown" ` + org + ` reason=role err="HTTP 401 USER_UNAUTHORIZED" fix="Grant the API key .*"`
	const serverError = `level=WARN msg="Migration link status is unknown" ` + org + ` reason=server_error err="HTTP 500 UNEXPECTED_ERROR" fix=".*"`
	const many = `level=WARN msg="Migration link status is unknown" organizations=30 for_example=5f1e9c2b8d3a4e0000000000 ops_manager=production reason=server_error err="HTTP 500 UNEXPECTED_ERROR" fix=".*"`
	tests := []struct {
		name   string
		answer simulator.Answer
		orgs   int // number of organizations
		want   []string
	}{
		{"all well", simulator.Status("SYNCED"), 30, nil},
		{"fails", simulator.MissingRole(false), 1, []string{role}},
		{"goes on failing", simulator.MissingRole(false), 1, nil},
		{"fails for another reason", simulator.UnexpectedError(), 1, []string{serverError}},
		{"and for the first again", simulator.MissingRole(false), 1, nil},
		{"recovers", simulator.Status("SYNCED"), 1, []string{`level=INFO msg="Migration link is synced" ` + org + ` status=SYNCED`}},
		{"drops", simulator.Status("NOT_SYNCED"), 1, []string{`level=WARN msg="Migration link is not synced" ` + org + ` status=NOT_SYNCED fix=".*"`}},
		{"stays down", simulator.Status("NOT_SYNCED"), 1, nil},
		{"is up again", simulator.Status("SYNCED"), 1, []string{`level=INFO msg="Migration link is synced" ` + org + ` status=SYNCED`}},
		{"down and unknown", simulator.MissingRole(false), 1, []string{role}},
		{"and still down", simulator.Status("NOT_SYNCED"), 1, []string{`level=WARN msg="Migration link is not synced" ` + org + ` status=NOT_SYNCED fix=".*"`}},
		{"and up", simulator.Status("SYNCED"), 1, []string{`level=INFO msg="Migration link is synced" ` + org + ` status=SYNCED`}},
		{"all fail", simulator.UnexpectedError(), 30, []string{many}},
		{"all go on failing", simulator.UnexpectedError(), 30, nil},
		{"all reset", simulator.Reset(), 30, []string{`level=WARN msg="Migration link status is unknown" organizations=30 for_example=5f1e9c2b8d3a4e0000000000 ops_manager=production reason=connect err=".*" fix=".*"`}},
		{"all recover", simulator.Status("SYNCED"), 30, []string{`level=INFO msg="Migration link is synced" organizations=30 for_example=5f1e9c2b8d3a4e0000000000 ops_manager=production status=SYNCED`}},
	}
	for _, tt := range tests {
		for i := range tt.orgs {
			f.sim.SetOrg(orgID(i), simulator.Org{Answer: tt.answer})
		}
		before := len(log.String())
		f.scrape(t, "60")
		var got []string
		for line := range strings.Lines(log.String()[before:]) {
			got = append(got, regexp.MustCompile(`^time=\S+ `).ReplaceAllString(strings.TrimSpace(line), ""))
		}
		if !regexp.MustCompile("^" + strings.Join(tt.want, "\n") + "$").MatchString(strings.Join(got, "\n")) {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
}

// Not even at debug level does the log show a key, from a file or not.
func TestLogShowsNoKey(t *testing.T) {
	t.Parallel()
	var log testlog.Buffer
	e := collector.NewExporter(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), "test")
	defer e.Close()
	public, private, own := testfile.New(t, "om.pub", "jkqmzxvt\n"), testfile.New(t, "om.key", "private-of-file\n"), testfile.New(t, "own.key", "private-own\n")
	file := testfile.New(t, "opsmanager.yml", fmt.Sprintf(`ops_managers:
  - url: http://127.0.0.1:1
    api_key: {public_key_file: %s, private_key_file: %s}
    orgs: [{id: %s}, {id: %s, api_key: {public_key: public-own, private_key_file: %s}}]
`, public, private, orgID(0), orgID(1), own))
	if err := e.Load(file); err != nil {
		t.Fatal(err)
	}
	e.Targets().Poll(t.Context(), nil)
	testfile.Write(t, private, "private-next\n")
	e.Targets().Poll(t.Context(), nil)
	testfile.Write(t, private, "private-two\nlines\n")
	testfile.Write(t, own, "private-three\nlines\n")
	e.Targets().Poll(t.Context(), nil)
	got := log.String()
	for _, secret := range []string{"jkqmzxvt", "public-own", "private-of-file", "private-own", "private-next", "private-two", "private-three"} {
		if strings.Contains(got, secret) {
			t.Errorf("the log shows %s:\n%s", secret, got)
		}
	}
	for _, want := range []string{"level=DEBUG", `level=INFO msg="Configuration loaded" file=` + file + " ops_managers=1 organizations=2\n", "ops_manager=127.0.0.1:1 org_id=" + orgID(1) + ` err="private_key_file `} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// A load logs what may be a problem, and does not wait for it.
func TestWarningsOfALoad(t *testing.T) {
	t.Parallel()
	var log testlog.Buffer
	e := collector.NewExporter(slog.New(slog.NewTextHandler(&log, nil)), "test")
	defer e.Close()
	file := testfile.New(t, "opsmanager.yml", fmt.Sprintf("ops_managers:\n  - url: http://127.0.0.1:1\n    api_key: {public_key: a, private_key_file: missing.key}\n    orgs: [{id: %s}]\n", orgID(0)))
	if err := e.Load(file); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`level=WARN msg="Possible problem in the configuration" warning="Ops Manager \"127.0.0.1:1\": http://127.0.0.1:1 is not encrypted`,
		`level=WARN msg="A configured file cannot be used yet" err="`,
	} {
		wait.For(t, "the log has "+want, func() bool { return strings.Contains(log.String(), want) })
	}
}
