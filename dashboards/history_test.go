package dashboards_test

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
)

// history is what a Prometheus scraped: one sample a minute from beginning on.
type history map[string]*strings.Builder // by metric

// beginning is minute 0.
var beginning = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

func minute(m int) time.Time { return beginning.Add(time.Duration(m) * time.Minute) }

// add adds samples from one minute to another, both included.
func (h history) add(series string, from, to int, value float64) {
	h.each(series, from, to, func(int) float64 { return value })
}

func (h history) each(series string, from, to int, value func(m int) float64) {
	metric, _, _ := strings.Cut(series, "{")
	if h[metric] == nil {
		h[metric] = new(strings.Builder)
	}
	for m := from; m <= to; m++ {
		fmt.Fprintf(h[metric], "%s %v %d\n", series, value(m), minute(m).Unix())
	}
}

func (h history) String() string {
	var b strings.Builder
	for _, metric := range slices.Sorted(maps.Keys(h)) {
		fmt.Fprintf(&b, "# TYPE %s unknown\n%s", metric, h[metric])
	}
	return b.String() + "# EOF\n"
}

func exporterOf(instance string) string {
	return fmt.Sprintf(`job="opsmanager",instance="%s:20301"`, instance)
}

func (h history) up(instance string, from, to int, value float64) {
	h.add("up{"+exporterOf(instance)+"}", from, to, value)
}

// told adds what an exporter tells of an organization whatever its state.
func (h history) told(instance, org, name, opsManager string, from, to int) {
	h.add(fmt.Sprintf(`opsmanager_migration_link_info{%s,org_id=%q,org_name=%q,ops_manager=%q}`, exporterOf(instance), org, name, opsManager), from, to, 1)
}

// read adds readings: 1 or 0.
func (h history) read(instance, org string, from, to int, status float64) {
	h.add(fmt.Sprintf(`opsmanager_migration_link_synced{%s,org_id=%q}`, exporterOf(instance), org), from, to, status)
	h.add(fmt.Sprintf(`opsmanager_migration_link_scrape_success{%s,org_id=%q}`, exporterOf(instance), org), from, to, 1)
}

func (h history) failed(instance, org, reason string, from, to int) {
	h.add(fmt.Sprintf(`opsmanager_migration_link_scrape_success{%s,org_id=%q}`, exporterOf(instance), org), from, to, 0)
	h.add(fmt.Sprintf(`opsmanager_migration_link_scrape_failure_reason{%s,org_id=%q,reason=%q}`, exporterOf(instance), org, reason), from, to, 1)
}

// prometheus starts a Prometheus that has the history.
func (h history) prometheus(t *testing.T) *realprometheus.Process {
	t.Helper()
	data := t.TempDir()
	realprometheus.Newest().WriteHistory(t, data, h.String())
	return realprometheus.Newest().StartPrometheusOn(t, data)
}

func need(t *testing.T) {
	t.Helper()
	realprogram.Need(t, realprometheus.Newest().Prometheus, realprometheus.Newest().Promtool)
	t.Parallel()
}

// The timeline shows the worst of each interval at 7 days, the organizations with
// trouble, worst first, each once, and in one line that there are others.
func TestTimeline(t *testing.T) {
	need(t)
	const end = 7 * 24 * 60
	h := make(history)
	h.up("a", 0, end, 1)
	h.up("c", 0, 6000, 1)
	h.up("c", 6001, 6270, 0)
	h.up("c", 6271, end, 1)
	h.up("d", 0, end, 1)
	// A sample at the full hour is in the interval that ends then.
	for _, org := range []string{"fine", "short", "drop"} {
		h.told("a", org, strings.ToUpper(org), "om", 0, end)
	}
	h.read("a", "fine", 0, end, 1)
	h.read("a", "short", 0, 3000, 1)
	h.failed("a", "short", "timeout", 3001, 3035)
	h.read("a", "short", 3036, end, 1)
	h.read("a", "drop", 0, 3999, 1)
	h.read("a", "drop", 4000, 4000, 0)
	h.failed("a", "drop", "timeout", 4001, 4030)
	h.read("a", "drop", 4031, end, 1)
	h.told("a", "renamed", "Zebra", "om", 0, 5100)
	h.told("a", "renamed", "Aardvark", "om", 5101, end)
	h.read("a", "renamed", 0, 4999, 1)
	h.read("a", "renamed", 5000, 5200, 0)
	h.read("a", "renamed", 5201, end, 1)
	h.told("a", "gone", "GONE", "om", 0, 7200)
	h.read("a", "gone", 0, 99, 1)
	h.read("a", "gone", 100, 110, 0)
	h.read("a", "gone", 111, 7200, 1)
	h.told("a", "late", "LATE", "om", 8001, end)
	h.read("a", "late", 8001, end, 1)
	for _, org := range []string{"away", "pair", "split"} { // of an exporter that is away for 4.5 hours
		for _, stretch := range [][2]int{{0, 6000}, {6271, end}} {
			h.told("c", org, strings.ToUpper(org), "om", stretch[0], stretch[1])
			h.read("c", org, stretch[0], stretch[1]-40, 1)
			h.failed("c", org, "timeout", stretch[1]-39, stretch[1])
		}
	}
	for _, org := range []string{"pair", "split"} { // of another one too
		h.told("d", org, strings.ToUpper(org), "om", 0, end)
	}
	h.read("d", "pair", 0, end, 1)
	h.read("d", "split", 0, 500, 1)
	h.read("d", "split", 501, 530, 0)
	h.read("d", "split", 531, end, 1)
	prometheus := h.prometheus(t)

	d, _ := load(t)
	timeline := d.find(t, "Migration links")
	s := all().with("$__interval", "1h").with("$__range", "7d")
	// 168 hours, and what follows the last full one.
	steady := strings.Repeat("2", 168)
	with := func(states map[int]byte) string {
		line := []byte(steady)
		for hour, state := range states {
			line[hour] = state
		}
		return string(line)
	}
	trouble := []string{
		"AARDVARK " + with(map[int]byte{83: '0', 84: '0', 85: '0', 86: '0'}),
		"AWAY " + with(map[int]byte{99: '1', 100: '1', 101: '1', 102: '1', 103: '1', 104: '1', 167: '1'}),
		"DROP " + with(map[int]byte{66: '0', 67: '1'}),
		"GONE " + with(map[int]byte{1: '0'})[:120],
		"SPLIT " + with(map[int]byte{8: '0'}),
		"SHORT " + with(map[int]byte{50: '1'}),
	}
	late := strings.Repeat(" ", 133) + steady[:168-133]
	for _, test := range []struct {
		name, show string
		want       []string
		others     string
	}{
		{"with trouble", "2", trouble, steady},
		{"all", "3", append(slices.Clone(trouble), "FINE "+steady, "LATE "+late, "PAIR "+steady), ""},
		{"a selection", "2", []string{trouble[2]}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := s.with("$show", test.show)
			if test.name == "a selection" {
				s = s.with("$org", "drop")
			}
			draw := func(q target) []string {
				var drawn []string
				for _, line := range lines(t, prometheus, s.fill(q.Expr), beginning, minute(end), time.Hour) {
					states := strings.Split(strings.Repeat(" ", 169), "")
					for _, value := range line.Values {
						hour := (int64(value[0].(float64)) - beginning.Unix()) / 3600
						states[hour] = value[1].(string)
					}
					name := strings.ToUpper(line.Metric["org_name"])
					drawn = append(drawn, strings.TrimRight(name+" "+strings.Join(states, ""), " "))
				}
				return drawn
			}
			if got := draw(timeline.Targets[0]); !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			if got := strings.Join(draw(timeline.Targets[1]), "\n"); got != strings.TrimRight(" "+test.others, " ") {
				t.Errorf("all others: got %q, want %q", got, test.others)
			}
		})
	}
	if timeline.Targets[1].LegendFormat != "all others" {
		t.Errorf("the others are called %q", timeline.Targets[1].LegendFormat)
	}
}

// What is down and unknown now, since when and why; and what the numbers say, when
// less and less can be seen.
func TestNow(t *testing.T) {
	need(t)
	const now = 2 * 24 * 60 // the range is the day before
	h := make(history)
	since := func(record, org string, value int) {
		h.add(fmt.Sprintf(`org:opsmanager_migration_link_%s:since{org_id=%q}`, record, org), now-5, now, float64(value))
		h.add(fmt.Sprintf(`org:opsmanager_migration_link:known{org_id=%q,ops_manager="alpha"}`, org), now-5, now, 1)
	}
	unix := func(m int) int { return int(minute(m).Unix()) }
	h.up("a", 0, now, 1)
	h.up("a", now+1, now+600, 0)
	h.up("b", 0, now-180, 1)
	h.up("b", now-179, now+600, 0)
	h.up("new-pod", now-60, now, 1)
	for org, stretch := range map[string][2]int{"up": {0, now}, "down": {0, now}, "key": {0, now}, "never": {0, now}, "raw-down": {0, now}, "raw-unknown": {0, now}, "raw-key": {0, now}, "recovered": {0, now}, "removed": {0, now - 60}} {
		h.told("a", org, "name of "+org, "alpha", stretch[0], stretch[1])
	}
	h.read("a", "up", 0, now, 1)
	h.read("a", "removed", 0, now-60, 0)
	h.read("a", "down", 0, now, 0)
	since("not_synced", "down", unix(-5000))
	h.read("a", "key", 0, now-90, 0)
	h.failed("a", "key", "unauthorized", now-89, now)
	since("not_synced", "key", unix(now-2000))
	h.add(`org:opsmanager_migration_link_unknown:since{org_id="key"}`, now-5, now, float64(unix(now-90)))
	// Last read as SYNCED, by another exporter than the one that has read NOT_SYNCED.
	h.read("b", "recovered", 0, now-300, 0)
	h.read("a", "recovered", 0, now-41, 1)
	h.failed("a", "recovered", "dns", now-40, now)
	since("unknown", "recovered", unix(now-41))
	h.failed("a", "never", "access_list", 0, now)
	since("unknown", "never", -unix(-7000))
	h.add(`ALERTS{alertname="MigrationLinkStatusUnknown",alertstate="firing",severity="warning",org_id="never",ops_manager="alpha"}`, now-5, now, 1)
	h.add(`ALERTS{alertname="MigrationLinkStatusUnknown",alertstate="firing",severity="critical",org_id="never",ops_manager="alpha"}`, now-5, now, 1)
	// Nothing is recorded of these.
	h.read("a", "raw-down", 0, now-31, 1)
	h.read("a", "raw-down", now-30, now, 0)
	h.read("a", "raw-unknown", 0, now-41, 1)
	h.failed("a", "raw-unknown", "tls", now-40, now)
	h.add(`opsmanager_migration_link_last_success_timestamp_seconds{`+exporterOf("a")+`,org_id="raw-unknown"}`, 0, now, float64(unix(now-41)))
	h.read("a", "raw-key", 0, now-41, 0)
	h.failed("a", "raw-key", "role", now-40, now)
	// Exporters that are not scraped, that are no target any more, and that were replaced when an organization left the configuration.
	h.told("b", "away", "Renamed", "beta", now-1000, now-180)
	h.read("b", "away", now-1000, now-180, 1)
	h.told("c", "target", "name of target", "gamma", 0, now-240)
	h.read("c", "target", 0, now-240, 1)
	h.up("c", 0, now-240, 1)
	h.told("old-pod", "left", "name of left", "delta", 0, now-61)
	h.read("old-pod", "left", 0, now-61, 1)
	h.up("old-pod", 0, now-61, 1)
	h.told("new-pod", "stays", "name of stays", "delta", now-60, now)
	h.read("new-pod", "stays", now-60, now, 1)
	h.add(`opsmanager:status_page:info{url="https://exporter.example.net"}`, 0, now, 1)
	prometheus := h.prometheus(t)
	d, _ := load(t)
	s := all().with("$__range", "1d").with("$__interval", "1m")

	table := d.find(t, "Down and unknown now")
	ms := func(m int) string { return strconv.Itoa(unix(m)) + "000" }
	want := map[string]map[string]string{
		"down":        {"State": "0", "Since": ms(-5000), "Reason": "NOT_SYNCED", "anchor": "not_synced"},
		"raw-down":    {"State": "0", "Since": ms(now - 31), "Reason": "NOT_SYNCED", "anchor": "not_synced"},
		"key":         {"State": "0.5", "Since": ms(now - 2000), "Reason": "unauthorized", "anchor": "reason-unauthorized"},
		"never":       {"State": "1", "Since": ms(-7000), " ": "or earlier", "Reason": "access_list", "anchor": "reason-access_list", "Alert": "critical", "alertname": "MigrationLinkStatusUnknown"},
		"raw-unknown": {"State": "1", "Since": ms(now - 41), "Reason": "tls", "anchor": "reason-tls"},
		"raw-key":     {"State": "0.5", "Reason": "role", "anchor": "reason-role"},
		"recovered":   {"State": "1", "Since": ms(now - 41), "Reason": "dns", "anchor": "reason-dns"},
		"away":        {"State": "1", "Reason": "exporter down", "anchor": "troubleshooting", "Organization": "Renamed", "Ops Manager": "beta"},
		"target":      {"State": "1", "Reason": "exporter down", "anchor": "troubleshooting", "Ops Manager": "gamma"},
	}
	found := rows(t, prometheus, s, table, minute(now))
	for org, row := range want {
		for column, value := range map[string]string{"Organization": "name of " + org, "Ops Manager": "alpha", "url": "https://exporter.example.net", "org_id": org, "Alert": "", " ": "", "Since": ""} {
			if _, ok := row[column]; !ok {
				row[column] = value
			}
		}
		row["What to do"] = row["Reason"]
		for column, value := range row {
			if got := found[org][column]; got != value {
				t.Errorf("%s: %s is %q, want %q", org, column, got, value)
			}
		}
	}
	if got, want := slices.Sorted(maps.Keys(found)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
	// The last column that a transformation adds: for how long.
	if calculate := table.Transformations[1].Options; calculate.Alias != "For" || calculate.Binary.Left != "Time 1" || calculate.Binary.Operator != "-" || calculate.Binary.Right != "Value #B" {
		t.Errorf("for how long: %+v", calculate)
	}
	if want := []string{"Organization", "State", "For", "Since", " ", "Ops Manager", "Team", "Reason", "What to do", "Alert", "Exporter", "org_id", "anchor", "url", "alertname"}; !slices.Equal(table.columns(), want) {
		t.Errorf("columns %q, want %q", table.columns(), want)
	}

	for _, test := range []struct {
		name string
		at   int
		want map[string]string
	}{
		{"some can be read", now, map[string]string{"Not synced": "2", "Unknown": "7", "Synced": "2", "Organizations": "11"}},
		// The replaced pod's successor is no target any more: nobody tells of its Ops Manager.
		{"no exporter is scraped, for 9 hours", now + 540, map[string]string{"Not synced": "", "Unknown": "13", "Synced": "", "Organizations": "13"}},
		{"nothing was ever scraped", -10, map[string]string{"Not synced": "", "Unknown": "", "Synced": "", "Organizations": ""}},
	} {
		if got := tiles(t, prometheus, s, d, minute(test.at)); !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	// Where all is well it is 0 that says so.
	if got, want := tiles(t, prometheus, s.with("$org", "up"), d, minute(now)), map[string]string{"Not synced": "0", "Unknown": "0", "Synced": "1", "Organizations": "1"}; !maps.Equal(got, want) {
		t.Errorf("all is well: %v, want %v", got, want)
	}
	for i, q := range table.Targets {
		if got := realprometheus.QueryAt(t, prometheus, s.with("$org", "up").fill(q.Expr), minute(now)); len(got) != 0 {
			t.Errorf("all is well: query %d: %v", i, got)
		}
	}
}

// The figures of the migration report, computed by hand, for two days with two
// hours in which Prometheus was down.
func TestReport(t *testing.T) {
	need(t)
	const end = 2 * 24 * 60 // minutes 1 to 2880
	h, drops := make(history), make(history)
	running := func(from, to int, do func(from, to int)) { // but for the two hours
		if from < 2000 {
			do(from, min(to, 1999))
		}
		if to >= 2120 {
			do(max(from, 2120), to)
		}
	}
	tell := func(instance, org, name, opsManager string, from, to int) {
		running(from, to, func(from, to int) { h.told(instance, org, name, opsManager, from, to) })
	}
	read := func(instance, org string, from, to int, status float64) {
		running(from, to, func(from, to int) { h.read(instance, org, from, to, status) })
	}
	drop := func(org string, from, to, begin int) { // which began at begin
		drops.each(fmt.Sprintf(`org:opsmanager_migration_report:drop_seconds{org_id=%q}`, org), from, to, func(m int) float64 { return float64(60 * (m - begin + 1)) })
	}
	running(1, end, func(from, to int) { h.up("a", from, to, 1) })
	// Down for 50 minutes, and for 10 before and 10 after Prometheus was.
	tell("a", "drops", "Payments", "production", 1, end)
	read("a", "drops", 1, 99, 1)
	read("a", "drops", 100, 149, 0)
	read("a", "drops", 150, 1989, 1)
	read("a", "drops", 1990, 2129, 0)
	read("a", "drops", 2130, end, 1)
	drop("drops", 100, 149, 100)
	drop("drops", 1990, 1999, 1990)
	drop("drops", 2120, 2129, 2120)
	// Never read.
	tell("a", "never", "Risk", "production", 1, end)
	// Blind for the second day.
	tell("a", "blind", "Ledger", "staging", 1, end)
	read("a", "blind", 1, 1440, 1)
	// Added, and down at once, for longer than the day has left.
	tell("a", "added", "Cards", "staging", 2161, end)
	read("a", "added", 2161, end, 0)
	drop("added", 2161, end, 2161)
	// Removed.
	tell("a", "removed", "Orders", "staging", 1, 720)
	read("a", "removed", 1, 720, 1)
	// Two exporters, one of which sees a drop and nothing for an hour; renamed, and moved to another Ops Manager.
	tell("a", "pair", "Zebra", "production", 1, 1500)
	tell("b", "pair", "Zebra", "production", 1, 1510)
	tell("a", "pair", "Aardvark", "staging", 1501, end)
	tell("b", "pair", "Aardvark", "staging", 1511, end)
	read("a", "pair", 1, 600, 1)
	read("a", "pair", 601, 610, 0)
	read("a", "pair", 671, end, 1)
	read("b", "pair", 1, end, 1)
	drop("pair", 601, 610, 601)

	suite, data := realprometheus.Newest(), t.TempDir()
	// What rules record is not there for other rules, hence the drops, which tests/report.yml has.
	suite.RecordHistory(t, h.prometheus(t), minute(1).Format(time.RFC3339), minute(end+1).Format(time.RFC3339), "../deploy/prometheus/report.yml", data)
	suite.WriteHistory(t, data, drops.String())
	prometheus := suite.StartPrometheusOn(t, data)

	now := minute(end).Add(59 * time.Second)                                    // rules are evaluated at any second of the minute
	type figures struct{ known, synced, unknown, drops, down, longest float64 } // minutes, and shares of them
	const none = -1
	organizations := map[string]figures{
		"drops":   {2880, 2690. / 2880, 120. / 2880, 2, 70, 50},
		"never":   {2880, 0, 1, none, none, none},
		"blind":   {2880, 0.5, 0.5, 0, 0, 0},
		"added":   {720, 0, 0, 1, 720, 720},
		"removed": {720, 1, 0, 0, 0, 0},
		"pair":    {2880, 2750. / 2880, 120. / 2880, 1, 10, 10},
	}
	names := map[string][2]string{
		"drops": {"Payments", "production"}, "never": {"Risk", "production"}, "blind": {"Ledger", "staging"},
		"added": {"Cards", "staging"}, "removed": {"Orders", "staging"}, "pair": {"Aardvark", "staging"},
	}
	opsManagers := map[string]figures{
		"production": {2, 2690. / 5760, (120. + 2880) / 5760, 2, 70, 50},
		"staging":    {4, (1440. + 720 + 2750) / 7200, (1440. + 120) / 7200, 2, 730, 720},
	}
	same := func(what, column, got string, want float64) {
		t.Helper()
		value, err := strconv.ParseFloat(got, 64)
		if want == none && got != "" || want != none && (err != nil || math.Abs(value-want) > 1e-9) {
			t.Errorf("%s: %s is %q, want %v", what, column, got, want)
		}
	}
	minutes := func(m float64) float64 {
		if m == none {
			return none
		}
		return 60 * m
	}

	d, _ := load(t)
	s := all().with("$__range", "2d")
	found := rows(t, prometheus, s, d.find(t, "Report by organization"), now)
	for org, want := range organizations {
		row := found[org]
		if row["Organization"] != names[org][0] || row["Ops Manager"] != names[org][1] {
			t.Errorf("%s: %v", org, row)
		}
		same(org, "Known for", row["Known for"], minutes(want.known))
		same(org, "Synced", row["Synced"], want.synced)
		same(org, "Unknown", row["Unknown"], want.unknown)
		same(org, "Drops", row["Drops"], want.drops)
		same(org, "Not synced", row["Not synced"], minutes(want.down))
		if want.drops > 0 || want.drops == none {
			same(org, "Longest drop", row["Longest drop"], minutes(want.longest))
		}
	}
	if len(found) != len(organizations) {
		t.Errorf("%d organizations: %v", len(found), found)
	}
	found = rows(t, prometheus, s, d.find(t, "Report by Ops Manager"), now)
	for name, want := range opsManagers {
		row := found[name]
		same(name, "Organizations", row["Organizations"], want.known)
		same(name, "Synced", row["Synced"], want.synced)
		same(name, "Unknown", row["Unknown"], want.unknown)
		same(name, "Drops", row["Drops"], want.drops)
		same(name, "Not synced", row["Not synced"], minutes(want.down))
		same(name, "Longest drop", row["Longest drop"], minutes(want.longest))
	}
	if len(found) != len(opsManagers) {
		t.Errorf("%d Ops Managers: %v", len(found), found)
	}
	if got := rows(t, prometheus, s.with("$ops_manager", "production"), d.find(t, "Report by organization"), now); len(got) != 3 {
		t.Errorf("of production: %v", got) // pair was its own for a while
	}

	recipes := recipes(t)
	for heading, want := range map[string]func(figures) float64{
		"Share of time SYNCED":  func(f figures) float64 { return f.synced },
		"Share of time unknown": func(f figures) float64 { return f.unknown },
		"Drops":                 func(f figures) float64 { return f.drops },
		"Minutes NOT_SYNCED":    func(f figures) float64 { return f.down },
	} {
		for org, row := range ask(t, prometheus, recipes[heading], "org_id", now) {
			same(org, heading, row, want(organizations[org]))
			delete(names, org)
		}
	}
	if len(names) != 0 {
		t.Errorf("no recipe tells of %v", names)
	}
	longest := ask(t, prometheus, recipes["Longest drop, in minutes"], "org_id", now)
	for _, org := range []string{"drops", "added", "pair"} {
		same(org, "longest drop", longest[org], organizations[org].longest)
	}
	for name, share := range ask(t, prometheus, recipes["Share of time SYNCED for each Ops Manager"], "ops_manager", now) {
		same(name, "share", share, opsManagers[name].synced)
	}
	for name, down := range ask(t, prometheus, recipes["Minutes NOT_SYNCED for each Ops Manager"], "ops_manager", now) {
		same(name, "minutes", down, opsManagers[name].down)
	}
}

// recipes returns the report's queries that the README shows, by what they are
// about, for two days.
func recipes(t *testing.T) map[string]string {
	t.Helper()
	found := make(map[string]string)
	expression := regexp.MustCompile("(?m)^\\*\\*(.+)\\*\\*.*\n\n```promql\n((?:[^`].*\n)+)```$")
	for _, match := range expression.FindAllStringSubmatch(testfile.Read(t, "README.md"), -1) {
		found[match[1]] = realprometheus.Replace(t, match[2], "[30d]", "[2d]")
	}
	if len(found) != 7 {
		t.Fatalf("%d recipes: %v", len(found), slices.Sorted(maps.Keys(found)))
	}
	return found
}

// ask returns the results of a query by a label.
func ask(t *testing.T, prometheus *realprometheus.Process, expr, label string, at time.Time) map[string]string {
	t.Helper()
	results := make(map[string]string)
	for _, sample := range realprometheus.QueryAt(t, prometheus, expr, at) {
		results[sample.Labels[label]] = fmt.Sprint(sample.Value)
	}
	if len(results) == 0 {
		t.Errorf("no results: %s", expr)
	}
	return results
}
