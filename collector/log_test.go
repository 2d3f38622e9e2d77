package collector_test

import (
	"regexp"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/testlog"
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
