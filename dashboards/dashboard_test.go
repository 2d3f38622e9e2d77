// Package dashboards_test holds the dashboard to the rules of the house, and runs
// its queries on a real Prometheus that scrapes the real exporter.
package dashboards_test

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/testkit/testfile"
)

// dashboard is what the tests need of Grafana's dashboard JSON. The module in
// strict/ decodes all of it.
type dashboard struct {
	UID           string
	Title         string
	SchemaVersion int
	Templating    struct{ List []variable }
	Annotations   struct{ List []annotation }
	Panels        []panel
}

type variable struct {
	Name       string
	Type       string
	Label      string
	Definition string
	Query      json.RawMessage // a string for a data source, else an object
	Regex      string
	Multi      bool
	IncludeAll bool
	AllValue   string
	Options    []struct{ Text, Value string }
}

type annotation struct {
	Name        string
	TitleFormat string
	Target      target
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Targets     []target
	Panels      []panel // of a row that is collapsed
	Collapsed   bool
	FieldConfig struct {
		Defaults struct {
			Unit       string
			NoValue    string
			Decimals   *int
			Mappings   []mapping
			Thresholds struct {
				Steps []struct {
					Color string
					Value *float64
				}
			}
		}
		Overrides []override
	}
	Options struct {
		SortBy []struct {
			DisplayName string
			Desc        bool
		}
	}
	Transformations []struct {
		ID      string
		Options struct {
			ByField       string
			Alias         string
			Binary        struct{ Left, Operator, Right string }
			ExcludeByName map[string]bool
			IndexByName   map[string]int
			RenameByName  map[string]string
		}
	}
}

type override struct {
	Matcher    struct{ Options string }
	Properties []struct {
		ID    string
		Value json.RawMessage
	}
}

// property decodes a property of the column with this title.
func (p panel) property(t *testing.T, column, id string, value any) {
	t.Helper()
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if o.Matcher.Options == column && property.ID == id {
				if err := json.Unmarshal(property.Value, value); err != nil {
					t.Fatal(err)
				}
				return
			}
		}
	}
	t.Errorf("panel %q: column %q has no %s", p.Title, column, id)
}

// columns returns the titles of a table's columns, in their order.
func (p panel) columns() []string {
	var names []string
	organize := p.Transformations[len(p.Transformations)-1].Options
	for name := range organize.IndexByName {
		if title, ok := organize.RenameByName[name]; ok {
			name = title
		}
		names = append(names, name)
	}
	index := func(title string) int {
		for name, i := range organize.IndexByName {
			if name == title || organize.RenameByName[name] == title {
				return i
			}
		}
		return -1
	}
	slices.SortFunc(names, func(a, b string) int { return index(a) - index(b) })
	return names
}

type mapping struct {
	Type    string
	Options map[string]struct{ Text, Color string }
}

type target struct {
	RefID        string
	Expr         string
	LegendFormat string
	Format       string
	Instant      bool
}

func load(t *testing.T) (dashboard, string) {
	t.Helper()
	text, err := os.ReadFile("migration-links.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d, string(text)
}

// all returns the panels, also those of rows that are collapsed.
func (d dashboard) all() []panel {
	var panels []panel
	for _, p := range d.Panels {
		panels = append(append(panels, p), p.Panels...)
	}
	return panels
}

// find returns the panel with a title.
func (d dashboard) find(t *testing.T, title string) panel {
	t.Helper()
	panels := d.all()
	i := slices.IndexFunc(panels, func(p panel) bool { return p.Title == title && p.Type != "row" })
	if i < 0 {
		t.Fatalf("there is no panel %q", title)
	}
	return panels[i]
}

func TestRules(t *testing.T) {
	d, text := load(t)
	if d.UID != "opsmanager-migration-links" || d.Title == "" || d.SchemaVersion < 42 {
		t.Errorf("uid %q, title %q, schema version %d", d.UID, d.Title, d.SchemaVersion)
	}
	for _, trick := range []string{"__inputs", "__requires", "DS_", "-- Grafana --"} {
		if strings.Contains(text, trick) {
			t.Errorf("it holds %s", trick)
		}
	}
	var all any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	queries := len(d.Annotations.List)
	for _, p := range d.all() {
		queries += len(p.Targets)
	}
	if sources := checkSources(t, all); sources < queries {
		t.Errorf("%d data sources for %d queries", sources, queries)
	}
	ids := make(map[int]bool)
	for _, p := range d.all() {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("panel %q: id %d is not its own", p.Title, p.ID)
		}
		ids[p.ID] = true
		checkPlaces(t, p.Panels)
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || !strings.HasSuffix(p.Description, ".") || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q lacks a description, a unit or a query", p.Title)
		}
		for _, q := range p.Targets {
			checkExpr(t, p.Title, q.Expr)
			if q.LegendFormat == "" || q.LegendFormat == "__auto" && q.Format != "table" {
				t.Errorf("panel %q: no legend for %s", p.Title, q.Expr)
			}
		}
	}
	checkPlaces(t, d.Panels)
	for _, a := range d.Annotations.List {
		if !strings.Contains(a.Target.Expr, "ALERTS{") || !strings.Contains(a.Target.Expr, `alertstate="firing"`) {
			t.Errorf("annotation %q is not about firing alerts: %s", a.Name, a.Target.Expr)
		}
	}
}

// checkSources counts the data sources below a JSON value, and holds them to be
// the one that the variable chooses.
func checkSources(t *testing.T, value any) int {
	t.Helper()
	count := 0
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			count += checkSources(t, v)
		}
	case map[string]any:
		for name, v := range value {
			if name != "datasource" {
				count += checkSources(t, v)
				continue
			}
			count++
			if source, ok := v.(map[string]any); !ok || source["type"] != "prometheus" || source["uid"] != "${datasource}" {
				t.Errorf("a hard-coded data source: %v", v)
			}
		}
	}
	return count
}

// checkPlaces looks for panels that cover each other, or do not fit.
func checkPlaces(t *testing.T, panels []panel) {
	t.Helper()
	for i, p := range panels {
		for _, other := range panels[:i] {
			a, b := p.GridPos, other.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panels %q and %q overlap", p.Title, other.Title)
			}
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q is wider than the screen", p.Title)
		}
	}
}

// checkExpr holds an expression to the rules for all of them.
func checkExpr(t *testing.T, title, expr string) {
	t.Helper()
	for _, function := range []string{"rate(", "increase("} {
		if strings.Contains(expr, function) && strings.Count(expr, "$__rate_interval") != strings.Count(expr, function) {
			t.Errorf("panel %q: %s needs $__rate_interval: %s", title, function, expr)
		}
	}
	for _, selector := range regexp.MustCompile(`[\w:]*(opsmanager_|\bup\b)[\w:]*(\{[^}]*\})?`).FindAllString(expr, -1) {
		// What is recorded has no job, and what is only joined with a series of the job needs none of its own.
		if !strings.Contains(selector, `job=~"$job"`) && selector != "opsmanager_exporter_build_info" && !strings.Contains(selector, ":") {
			t.Errorf("panel %q: %s is not of the job", title, selector)
		}
	}
	if strings.Contains(expr, "vector(0)") {
		t.Errorf("panel %q: 0 without data: %s", title, expr)
	}
}

func TestVariables(t *testing.T) {
	d, _ := load(t)
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
		if v.Label == "" {
			t.Errorf("variable %s has no label", v.Name)
		}
		switch v.Name {
		case "ops_manager", "team", "org":
			if !v.Multi || !v.IncludeAll || v.AllValue != ".*" {
				t.Errorf("variable %s: several or all of 1,000 values must be possible, and All must be short", v.Name)
			}
		case "job":
			// With .* a query for up would read every target that Prometheus has.
			if !v.Multi || !v.IncludeAll || v.AllValue != "" {
				t.Errorf("variable %s: several or all must be possible, and All must name them", v.Name)
			}
		case "readme":
			var address string
			if err := json.Unmarshal(v.Query, &address); err != nil || v.Type != "constant" || address != "https://example.net/opsmanager_exporter/README.md" {
				t.Errorf("variable %s: %s, want the address that the alerts have", v.Name, v.Query)
			}
		}
	}
	if want := []string{"datasource", "job", "ops_manager", "team", "org", "show", "readme"}; !slices.Equal(names, want) {
		t.Errorf("variables %q, want %q", names, want)
	}
}

// A number that says that all is well is green only where something was read:
// without data it says so, in grey.
func TestTiles(t *testing.T) {
	d, _ := load(t)
	type step struct {
		color string
		value float64
	}
	for i, test := range []struct {
		title string
		steps []step
	}{
		{"Not synced", []step{{"green", 0}, {"red", 1}}},
		{"Unknown", []step{{"green", 0}, {"orange", 1}}},
		{"Synced", []step{{"green", 1}}},
		{"Organizations", []step{{"blue", 1}}},
	} {
		p := d.Panels[i]
		defaults := p.FieldConfig.Defaults
		if p.Title != test.title || p.Type != "stat" || defaults.NoValue != "No data" || defaults.Unit != "locale" || defaults.Decimals == nil || *defaults.Decimals != 0 {
			t.Errorf("tile %d: %q, %s, %+v", i, p.Title, p.Type, defaults)
		}
		steps := defaults.Thresholds.Steps
		if len(steps) != len(test.steps)+1 || steps[0].Value != nil || steps[0].Color != "#6e7681" {
			t.Fatalf("tile %q is not grey without data: %+v", p.Title, steps)
		}
		for k, want := range test.steps {
			if got := steps[k+1]; got.Color != want.color || *got.Value != want.value {
				t.Errorf("tile %q: %+v, want %+v", p.Title, got, want)
			}
		}
	}
}

// The first screen: numbers, what is wrong, and how it came to that.
func TestFirstScreen(t *testing.T) {
	d, text := load(t)
	var titles []string
	for _, p := range d.Panels[:8] {
		titles = append(titles, p.Title)
	}
	if want := []string{"Not synced", "Unknown", "Synced", "Organizations", "Down and unknown now", "Migration links", "Migration report", "All organizations"}; !slices.Equal(titles, want) {
		t.Errorf("panels %q, want %q", titles, want)
	}
	// Rows whose queries read much are collapsed, so that they run when somebody looks.
	for _, p := range d.Panels[6:8] {
		if p.Type != "row" || !p.Collapsed || len(p.Panels) == 0 {
			t.Errorf("%q is no row that is collapsed", p.Title)
		}
	}
	table := d.find(t, "Down and unknown now")
	if sort := table.Options.SortBy; len(sort) != 1 || sort[0].DisplayName != "For" || !sort[0].Desc {
		t.Errorf("the table is sorted by %+v, not longest first", sort)
	}
	if strings.Contains(text, `"unit": "short"`) {
		t.Error("1,000 would show as 1 K")
	}
}

// The fixes are those that status page, log and check have.
func TestFixes(t *testing.T) {
	d, _ := load(t)
	want := map[string]string{
		"NOT_SYNCED":    opsmanager.NotSynced.Fix(),
		"exporter down": "Check that the exporter is running and what it logs, and in Prometheus, under Status, Target health, why the scrape fails.",
	}
	for _, reason := range opsmanager.Reasons() {
		want[string(reason)] = reason.Fix()
	}
	var mappings []mapping
	d.find(t, "Down and unknown now").property(t, "What to do", "mappings", &mappings)
	if len(mappings) != 1 || len(mappings[0].Options) != len(want) {
		t.Fatalf("mappings %+v", mappings)
	}
	for reason, fix := range want {
		if got := mappings[0].Options[reason].Text; got != fix {
			t.Errorf("%s: %q, want %q", reason, got, fix)
		}
	}
}

// Links are made of data, of Grafana's own pages, and of the README's address.
func TestLinks(t *testing.T) {
	d, _ := load(t)
	table := d.find(t, "Down and unknown now")
	for column, want := range map[string][]string{
		"Organization": {"/d/opsmanager-migration-links?var-datasource=${datasource}&var-org=${__data.fields.org_id}&${__url_time_range}"},
		"Reason":       {"${readme}#${__data.fields.anchor}"},
		"Alert":        {"/alerting/list?search=rule:${__data.fields.alertname} label:org_id=${__data.fields.org_id}"},
		"Exporter":     {"${__data.fields.url}/probe?target=${__data.fields.org_id}&debug=true", "${__data.fields.url}/?q=${__data.fields.org_id}"},
	} {
		var links []struct{ URL string }
		table.property(t, column, "links", &links)
		var got []string
		for _, link := range links {
			got = append(got, link.URL)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: links %q, want %q", column, got, want)
		}
	}
	// What they are made of is there, and does not show.
	organize := table.Transformations[len(table.Transformations)-1].Options
	for _, name := range []string{"org_id", "anchor", "url", "alertname"} {
		var hide struct{ Viz bool }
		table.property(t, name, "custom.hideFrom", &hide)
		if _, ok := organize.IndexByName[name]; !ok || organize.ExcludeByName[name] || !hide.Viz {
			t.Errorf("%s is no hidden column", name)
		}
	}
}

// The picture is as wide as a screen, and no burden for the repository.
func TestPicture(t *testing.T) {
	text := testfile.Read(t, "migration-links.png")
	config, err := png.DecodeConfig(bytes.NewReader([]byte(text)))
	if err != nil || config.Width != 1600 || config.Height < 900 || len(text) > 500_000 {
		t.Errorf("migration-links.png: %v, %d x %d, %d bytes", err, config.Width, config.Height, len(text))
	}
}

// Each state has its word and its colour, the same everywhere, and is the worse
// the lower it is.
func TestStates(t *testing.T) {
	d, _ := load(t)
	type state struct{ Text, Color string }
	usual := map[string]state{"0": {"Not synced", "red"}, "1": {"Unknown", "orange"}, "2": {"Synced", "green"}}
	now := map[string]state{"0": usual["0"], "0.5": {"Was not synced", "semi-dark-red"}, "1": usual["1"]}
	check := func(title string, mappings []mapping, want map[string]state) {
		if len(mappings) != 1 || mappings[0].Type != "value" || len(mappings[0].Options) != len(want) {
			t.Fatalf("panel %q: mappings %+v", title, mappings)
		}
		for value, s := range want {
			if got := mappings[0].Options[value]; got != s {
				t.Errorf("panel %q: %s is %+v, want %+v", title, value, got, s)
			}
		}
	}
	timeline := d.find(t, "Migration links")
	if timeline.Type != "state-timeline" {
		t.Errorf("the links are in a %s", timeline.Type)
	}
	check(timeline.Title, timeline.FieldConfig.Defaults.Mappings, usual)
	for title, want := range map[string]map[string]state{"Down and unknown now": now, "All organizations": usual} {
		var mappings []mapping
		d.find(t, title).property(t, "State", "mappings", &mappings)
		check(title, mappings, want)
	}
}
