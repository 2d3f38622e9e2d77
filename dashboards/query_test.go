package dashboards_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
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

// The alerts come quickly enough for annotations when a minute takes a second.
const quick = `
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: [alerts.yml, report.yml]
scrape_configs:
  - job_name: opsmanager
    static_configs:
      - targets: [%s]
`

// quickRules returns the shipped rules with seconds for minutes. They name the
// status page.
func quickRules(t *testing.T) map[string]string {
	t.Helper()
	alerts := testfile.Read(t, "../deploy/prometheus/alerts.yml")
	report := testfile.Read(t, "../deploy/prometheus/report.yml")
	report = regexp.MustCompile(`(?m)^  # ((- name: opsmanager-links|  ).*)$`).ReplaceAllString(report, "  $1")
	return map[string]string{
		"alerts.yml": regexp.MustCompile(`for: (\d+)m`).ReplaceAllString(alerts, "for: ${1}s"),
		"report.yml": regexp.MustCompile(`interval: (\d+)m`).ReplaceAllString(report, "interval: 1s"),
	}
}

// selection is what is chosen in the dashboard's variables, as Grafana writes it
// into a query.
type selection map[string]string

func all() selection {
	return selection{
		"$job": "opsmanager", "$ops_manager": ".*", "$team": ".*", "$org": ".*", "$show": "2",
		"$__rate_interval": "4s", "$__interval": "2s", "$__range": "10m",
	}
}

func (s selection) with(name, value string) selection {
	s = maps.Clone(s)
	s[name] = value
	return s
}

func (s selection) fill(query string) string {
	names := slices.SortedFunc(maps.Keys(s), func(a, b string) int { return len(b) - len(a) }) // $org is not $org_x
	for _, name := range names {
		query = strings.ReplaceAll(query, name, s[name])
	}
	return query
}

// start starts a Prometheus that scrapes exporters.
func start(t *testing.T, exporters ...*realprometheus.Process) *realprometheus.Process {
	t.Helper()
	var targets []string
	for _, e := range exporters {
		targets = append(targets, e.Address)
	}
	return realprometheus.Newest().StartPrometheus(t, fmt.Sprintf(quick, strings.Join(targets, ", ")), quickRules(t))
}

func demo(t *testing.T, binary string) *realprometheus.Process {
	t.Helper()
	return realprometheus.StartExporter(t, binary, "demo", "--scrape.timeout-offset=300ms")
}

// run runs a query of the dashboard.
func run(t *testing.T, prometheus *realprometheus.Process, s selection, q target) []realprometheus.Sample {
	t.Helper()
	return realprometheus.Query(t, prometheus, s.fill(q.Expr))
}

// number returns the only value of a headline.
func number(t *testing.T, prometheus *realprometheus.Process, s selection, d dashboard, title string) float64 {
	t.Helper()
	samples := run(t, prometheus, s, d.find(t, title).Targets[0])
	if len(samples) != 1 {
		t.Fatalf("panel %q: %v", title, samples)
	}
	return samples[0].Value
}

var (
	// demoReasons are what the demo's organizations fail for, by the last two
	// digits of their ID; the others are read.
	demoReasons = map[string]string{"04": "role", "05": "access_list", "06": "timeout", "07": "unknown_status", "08": "unauthorized"}
	demoNames   = []string{"Archive", "Billing", "Catalog", "Orders", "Payments", "Risk", "Search", "Shipping"}
)

// await waits until a query has one result with this value.
func await(t *testing.T, prometheus *realprometheus.Process, expr string, want int) {
	t.Helper()
	realprogram.Await(t, time.Minute, func() error {
		if got := realprometheus.Query(t, prometheus, expr); len(got) != 1 || got[0].Value != float64(want) {
			return fmt.Errorf("%s: %v, want %d", expr, got, want)
		}
		return nil
	})
}

// Every query returns rows with the labels that its legend names, for all
// organizations and for some, and the numbers and states are the demo's. So it is
// with two exporters that read the same organizations.
func TestQueries(t *testing.T) {
	realprogram.Need(t, realprometheus.Newest().Prometheus)
	d, _ := load(t)
	binary := realprometheus.Build(t)
	for _, exporters := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d exporters", exporters), func(t *testing.T) {
			t.Parallel()
			var running []*realprometheus.Process
			for range exporters {
				running = append(running, demo(t, binary))
			}
			prometheus := start(t, running...)
			await(t, prometheus, `count(opsmanager_migration_link_info)`, exporters*len(demoNames))
			await(t, prometheus, `count(ALERTS{alertname="MigrationLinkStatusUnknown", alertstate="firing"})`, len(demoReasons))
			await(t, prometheus, `count(ALERTS{severity="critical", alertstate="firing", org_id="5f1e9c2b8d3a4e0012ab3402"})`, 1)
			selections := map[string]selection{
				"all":  all(),
				"some": all().with("$job", "opsmanager").with("$ops_manager", "demo").with("$org", "(5f1e9c2b8d3a4e0012ab3401|5f1e9c2b8d3a4e0012ab3404)"),
			}
			for name, s := range selections {
				for _, p := range d.all() {
					for _, q := range p.Targets {
						what := fmt.Sprintf("%s: panel %q", name, p.Title)
						switch {
						case q.LegendFormat == "all others": // TestTimeline has some
						case q.Instant:
							checkRows(t, what, q.LegendFormat, run(t, prometheus, s, q))
						default:
							checkRows(t, what, q.LegendFormat, recent(t, prometheus, s.fill(q.Expr)))
						}
					}
				}
			}
			for _, a := range d.Annotations.List {
				checkRows(t, fmt.Sprintf("annotation %q", a.Name), a.TitleFormat, run(t, prometheus, all(), a.Target))
			}
			checkNumbers(t, prometheus, d)
			checkTable(t, prometheus, d)
		})
	}
}

// checkRows requires rows that have the labels of a legend.
func checkRows(t *testing.T, what, legend string, samples []realprometheus.Sample) {
	t.Helper()
	if len(samples) == 0 {
		t.Errorf("%s: no rows", what)
	}
	for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(legend, -1) {
		for _, s := range samples {
			if s.Labels[label[1]] == "" {
				t.Errorf("%s: no label %s in %v", what, label[1], s.Labels)
			}
		}
	}
}

// recent runs a query as a graph of the last seconds does, and returns what each
// line begins with.
func recent(t *testing.T, prometheus *realprometheus.Process, expr string) []realprometheus.Sample {
	t.Helper()
	now := time.Now()
	var samples []realprometheus.Sample
	for _, line := range lines(t, prometheus, expr, now.Add(-8*time.Second), now, time.Second) {
		samples = append(samples, realprometheus.Sample{Labels: line.Metric})
	}
	return samples
}

// line is a result of a range query.
type line struct {
	Metric map[string]string
	Values [][2]any
}

func lines(t *testing.T, prometheus *realprometheus.Process, expr string, from, to time.Time, step time.Duration) []line {
	t.Helper()
	var answer struct {
		Error string
		Data  struct{ Result []line }
	}
	values := url.Values{"query": {expr}, "start": {from.Format(time.RFC3339Nano)}, "end": {to.Format(time.RFC3339Nano)}, "step": {step.String()}}
	realprometheus.GetJSON(t, prometheus.URL+"/api/v1/query_range?"+values.Encode(), &answer)
	if answer.Error != "" {
		t.Fatalf("%s: %s", expr, answer.Error)
	}
	return answer.Data.Result
}

func checkNumbers(t *testing.T, prometheus *realprometheus.Process, d dashboard) {
	t.Helper()
	tests := []struct {
		name                     string
		selection                selection
		readable, unknown, total string // "" where there is nothing to count
	}{
		{name: "all", selection: all(), readable: "3", unknown: "5", total: "8"},
		{name: "one organization", selection: all().with("$org", "5f1e9c2b8d3a4e0012ab3405"), unknown: "1", total: "1"},
		{name: "another Ops Manager", selection: all().with("$ops_manager", "production")},
		{name: "another team", selection: all().with("$team", "dba")},
		{name: "another job", selection: all().with("$job", "other")},
	}
	for _, test := range tests {
		got := tiles(t, prometheus, test.selection, d, time.Time{})
		readable := ""
		if got["Synced"] != "" {
			readable = fmt.Sprint(number(t, prometheus, test.selection, d, "Synced") + number(t, prometheus, test.selection, d, "Not synced"))
		}
		if readable != test.readable || got["Unknown"] != test.unknown || got["Organizations"] != test.total {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	if got := number(t, prometheus, all().with("$org", "5f1e9c2b8d3a4e0012ab3401"), d, "Synced"); got != 1 {
		t.Errorf("Payments is synced, the headline says %v", got)
	}
	if got := number(t, prometheus, all().with("$org", "5f1e9c2b8d3a4e0012ab3402"), d, "Not synced"); got != 1 {
		t.Errorf("Risk is not synced, the headline says %v", got)
	}
}

// tiles returns what the numbers say at a time, "" for no data.
func tiles(t *testing.T, prometheus *realprometheus.Process, s selection, d dashboard, at time.Time) map[string]string {
	t.Helper()
	says := make(map[string]string)
	for _, p := range d.Panels[:4] {
		says[p.Title] = ""
		for _, sample := range realprometheus.QueryAt(t, prometheus, s.fill(p.Targets[0].Expr), at) {
			says[p.Title] += fmt.Sprint(sample.Value)
		}
	}
	return says
}

// rows joins the queries of a table as Grafana does: by a label, and column by
// title. Each query must be about what the first one found.
func rows(t *testing.T, prometheus *realprometheus.Process, s selection, p panel, at time.Time) map[string]map[string]string {
	t.Helper()
	transformations := p.Transformations
	join, titles := transformations[0].Options.ByField, transformations[len(transformations)-1].Options.RenameByName
	title := func(column string) string { return cmp.Or(titles[column], column) }
	found := make(map[string]map[string]string)
	for i, q := range p.Targets {
		for _, sample := range realprometheus.QueryAt(t, prometheus, s.fill(q.Expr), at) {
			key := sample.Labels[join]
			if found[key] == nil {
				if i > 0 {
					t.Errorf("panel %q: query %s has a row of its own: %v", p.Title, q.RefID, sample.Labels)
				}
				found[key] = make(map[string]string)
			}
			if found[key][title("Value #"+q.RefID)] != "" {
				t.Errorf("panel %q: two rows for %v", p.Title, sample.Labels)
			}
			for label, value := range sample.Labels {
				found[key][title(label)] = value
			}
			found[key][title("Value #"+q.RefID)] = strconv.FormatFloat(sample.Value, 'f', -1, 64)
		}
	}
	return found
}

// checkTable looks at what is down and unknown in the demo, and why.
func checkTable(t *testing.T, prometheus *realprometheus.Process, d dashboard) {
	t.Helper()
	table := d.find(t, "Down and unknown now")
	found := rows(t, prometheus, all(), table, time.Time{})
	for id, row := range found {
		last := id[len(id)-2:]
		reason, state, anchor := demoReasons[last], "1", "reason-"+demoReasons[last]
		if reason == "" { // Risk, and Orders now and then
			reason, state, anchor = "NOT_SYNCED", "0", "not_synced"
		}
		if row["Reason"] != reason || row["What to do"] != reason || row["anchor"] != anchor || row["State"] != state || row["Ops Manager"] != "demo" ||
			!slices.Contains(demoNames, row["Organization"]) || row["url"] != "https://opsmanager-exporter.example.net" || row["Exporter"] == "" || last == "01" {
			t.Errorf("%s: %v", id, row)
		}
		if last == "02" && (row["Since"] == "" || row["Alert"] != "critical" || row["alertname"] != "MigrationLinkNotSynced") || last == "04" && row["Alert"] == "" {
			t.Errorf("%s: since %q, alert %q (%s)", id, row["Since"], row["Alert"], row["alertname"])
		}
	}
	if len(found) < 6 {
		t.Errorf("%d rows: %v", len(found), found)
	}
	for _, id := range []string{"5f1e9c2b8d3a4e0012ab3401", "5f1e9c2b8d3a4e0012ab3402"} {
		states := map[string]string{"01": "2", "02": "0"}
		if row := rows(t, prometheus, all(), d.find(t, "All organizations"), time.Time{})[id]; row["State"] != states[id[len(id)-2:]] || row["Last poll"] == "" {
			t.Errorf("%s: %v", id, row)
		}
	}
}

// The lists of the variables show names and choose by ID.
func TestVariableQueries(t *testing.T) {
	realprogram.Need(t, realprometheus.Newest().Prometheus)
	t.Parallel()
	d, _ := load(t)
	exporter := demo(t, realprometheus.Build(t))
	prometheus := start(t, exporter)
	await(t, prometheus, `count(opsmanager_migration_link_info)`, len(demoNames))
	want := map[string][]string{"job": {"opsmanager"}, "ops_manager": {"demo"}, "team": {"commerce-dba", "payments-dba"}, "org": demoNames}
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		var query struct{ Query string }
		if err := json.Unmarshal(v.Query, &query); err != nil || query.Query != v.Definition {
			t.Fatalf("variable %s: %v, %q is not %q", v.Name, err, query.Query, v.Definition)
		}
		var texts []string
		if inner, ok := strings.CutPrefix(query.Query, "query_result("); ok {
			texts = resultTexts(t, prometheus, all().fill(strings.TrimSuffix(inner, ")")), v.Regex)
		} else {
			texts = labelValues(t, prometheus, all().fill(query.Query))
		}
		slices.Sort(texts)
		if !slices.Equal(texts, want[v.Name]) {
			t.Errorf("variable %s: %q, want %q", v.Name, texts, want[v.Name])
		}
	}
}

// labelValues does what Grafana's label_values does.
func labelValues(t *testing.T, prometheus *realprometheus.Process, query string) []string {
	t.Helper()
	parts := regexp.MustCompile(`^label_values\((.+),\s*(\w+)\)$`).FindStringSubmatch(query)
	if parts == nil {
		t.Fatalf("%s is no label_values", query)
	}
	var answer struct{ Data []string }
	realprometheus.GetJSON(t, prometheus.URL+"/api/v1/label/"+parts[2]+"/values?match[]="+url.QueryEscape(parts[1]), &answer)
	return answer.Data
}

// resultTexts does what Grafana's query_result does with a regular expression
// that names text and value: it writes each result in one line, labels in the
// order of their names, and cuts out of it what is shown and what is chosen.
func resultTexts(t *testing.T, prometheus *realprometheus.Process, query, expression string) []string {
	t.Helper()
	re := regexp.MustCompile(strings.Trim(expression, "/"))
	var texts []string
	for _, s := range realprometheus.Query(t, prometheus, query) {
		var labels []string
		for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
			labels = append(labels, name+`="`+s.Labels[name]+`"`)
		}
		line := fmt.Sprintf("{%s} %v 1764000000000", strings.Join(labels, ","), s.Value)
		found := re.FindStringSubmatch(line)
		if found == nil {
			t.Fatalf("%s does not match %s", expression, line)
		}
		if value := found[re.SubexpIndex("value")]; value != s.Labels["org_id"] {
			t.Errorf("%s chooses %q", line, value)
		}
		texts = append(texts, found[re.SubexpIndex("text")])
	}
	return texts
}
