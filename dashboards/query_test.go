package dashboards_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
)

// The alerts come quickly enough for annotations when a minute takes a second.
const quick = `
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: [alerts.yml]
scrape_configs:
  - job_name: opsmanager
    static_configs:
      - targets: [%s]
`

// quickAlerts returns the shipped rules with seconds for minutes.
func quickAlerts(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"alerts.yml": regexp.MustCompile(`for: (\d+)m`).ReplaceAllString(string(text), "for: ${1}s")}
}

// selection is what is chosen in the dashboard's variables, as Grafana writes it
// into a query.
type selection map[string]string

func all() selection {
	return selection{
		"$job": ".*", "$ops_manager": ".*", "$org": ".*",
		"$__rate_interval": "4s", "$__interval": "1s", "$__range": "10m",
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
	return realprometheus.Newest().StartPrometheus(t, fmt.Sprintf(quick, strings.Join(targets, ", ")), quickAlerts(t))
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
				for _, p := range d.Panels {
					for _, q := range p.Targets {
						checkRows(t, fmt.Sprintf("%s: panel %q", name, p.Title), q.LegendFormat, run(t, prometheus, s, q))
						if !q.Instant {
							checkRange(t, prometheus, p.Title, s.fill(q.Expr))
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

// checkRange runs a query as a graph does.
func checkRange(t *testing.T, prometheus *realprometheus.Process, title, expr string) {
	t.Helper()
	now := float64(time.Now().UnixMilli()) / 1000
	var answer struct {
		Error string
		Data  struct{ Result []any }
	}
	realprometheus.GetJSON(t, fmt.Sprintf("%s/api/v1/query_range?start=%f&end=%f&step=1&query=%s", prometheus.URL, now-8, now, url.QueryEscape(expr)), &answer)
	if answer.Error != "" || len(answer.Data.Result) == 0 {
		t.Errorf("panel %q: %s, %d rows", title, answer.Error, len(answer.Data.Result))
	}
}

func checkNumbers(t *testing.T, prometheus *realprometheus.Process, d dashboard) {
	t.Helper()
	tests := []struct {
		name                     string
		selection                selection
		readable, unknown, total float64
	}{
		{name: "all", selection: all(), readable: 3, unknown: 5, total: 8},
		{name: "one organization", selection: all().with("$org", "5f1e9c2b8d3a4e0012ab3405"), unknown: 1, total: 1},
		{name: "another Ops Manager", selection: all().with("$ops_manager", "production")},
		{name: "another job", selection: all().with("$job", "other")},
	}
	for _, test := range tests {
		readable := number(t, prometheus, test.selection, d, "Synced") + number(t, prometheus, test.selection, d, "Not synced")
		unknown, total := number(t, prometheus, test.selection, d, "Unknown"), number(t, prometheus, test.selection, d, "Total")
		if readable != test.readable || unknown != test.unknown || total != test.total {
			t.Errorf("%s: %v can be read, %v unknown, of %v", test.name, readable, unknown, total)
		}
	}
	if got := number(t, prometheus, all().with("$org", "5f1e9c2b8d3a4e0012ab3401"), d, "Synced"); got != 1 {
		t.Errorf("Payments is synced, the headline says %v", got)
	}
	if got := number(t, prometheus, all().with("$org", "5f1e9c2b8d3a4e0012ab3402"), d, "Not synced"); got != 1 {
		t.Errorf("Risk is not synced, the headline says %v", got)
	}
}

// checkTable joins the queries of the table as Grafana does.
func checkTable(t *testing.T, prometheus *realprometheus.Process, d dashboard) {
	t.Helper()
	table := d.find(t, "Organizations")
	columns := make(map[string]bool)
	rows := make(map[string]map[string]string) // by ID and column
	for _, q := range table.Targets {
		for _, s := range run(t, prometheus, all(), q) {
			row := rows[s.Labels["org_id"]]
			if row == nil {
				row = make(map[string]string)
				rows[s.Labels["org_id"]] = row
			}
			maps.Copy(row, s.Labels)
			if value := "Value #" + q.RefID; row[value] != "" {
				t.Errorf("two rows for %v", s.Labels)
			} else {
				row[value] = fmt.Sprint(s.Value)
			}
			for column := range row {
				columns[column] = true
			}
		}
	}
	if len(rows) != len(demoNames) {
		t.Fatalf("%d rows: %v", len(rows), rows)
	}
	for _, transformation := range table.Transformations {
		for column := range transformation.Options.RenameByName {
			if !columns[column] {
				t.Errorf("there is no column %q to rename", column)
			}
		}
	}
	for id, row := range rows {
		reason, unknown := demoReasons[id[len(id)-2:]]
		state := row["Value #A"]
		if row["reason"] != reason || unknown != (state == "0.5") || !slices.Contains(demoNames, row["org_name"]) || row["ops_manager"] != "demo" {
			t.Errorf("%s: %v", id, row)
		}
		if id[len(id)-2:] == "01" && (state != "1" || row["Value #B"] != "0") || id[len(id)-2:] == "02" && (state != "0" || row["Value #B"] != "") {
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
	want := map[string][]string{"job": {"opsmanager"}, "ops_manager": {"demo"}, "org": demoNames, "exporter": {exporter.Address}}
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

// While the exporter is not scraped every organization is unknown, in numbers,
// lines and table.
func TestGap(t *testing.T) {
	realprogram.Need(t, realprometheus.Newest().Prometheus)
	t.Parallel()
	d, _ := load(t)
	exporter := demo(t, realprometheus.Build(t))
	prometheus := start(t, exporter)
	await(t, prometheus, `count(opsmanager_migration_link_info)`, len(demoNames))
	exporter.Stop(t)
	realprogram.Await(t, time.Minute, func() error {
		for _, title := range []string{"Unknown", "Total"} {
			if got := number(t, prometheus, all(), d, title); got != float64(len(demoNames)) {
				return fmt.Errorf("%s: %v", title, got)
			}
		}
		return nil
	})
	// The last reading is still within the interval of a line's point for a while.
	realprogram.Await(t, time.Minute, func() error {
		for _, title := range []string{"Migration links", "Organizations"} {
			samples := run(t, prometheus, all(), d.find(t, title).Targets[0])
			if len(samples) != len(demoNames) {
				return fmt.Errorf("%s: %v", title, samples)
			}
			for _, s := range samples {
				if s.Value != 0.5 {
					return fmt.Errorf("%s: %v", title, s)
				}
			}
		}
		return nil
	})
	for _, s := range run(t, prometheus, all(), d.find(t, "Organizations").Targets[2]) {
		if s.Labels["reason"] != "exporter not scraped" {
			t.Errorf("reason %v", s.Labels)
		}
	}
}
