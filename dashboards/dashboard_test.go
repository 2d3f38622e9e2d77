// Package dashboards_test holds the dashboard to the rules of the house, and runs
// its queries on a real Prometheus that scrapes the real exporter.
package dashboards_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
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
	FieldConfig struct {
		Defaults struct {
			Unit     string
			Mappings []mapping
		}
		Overrides []struct {
			Matcher    struct{ Options string }
			Properties []struct {
				ID    string
				Value json.RawMessage
			}
		}
	}
	Transformations []struct {
		ID      string
		Options struct {
			ByField      string
			RenameByName map[string]string
		}
	}
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

// find returns the panel with a title.
func (d dashboard) find(t *testing.T, title string) panel {
	t.Helper()
	i := slices.IndexFunc(d.Panels, func(p panel) bool { return p.Title == title && p.Type != "row" })
	if i < 0 {
		t.Fatalf("there is no panel %q", title)
	}
	return d.Panels[i]
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
	for _, p := range d.Panels {
		queries += len(p.Targets)
	}
	if sources := checkSources(t, all); sources < queries {
		t.Errorf("%d data sources for %d queries", sources, queries)
	}
	ids := make(map[int]bool)
	for i, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("panel %q: id %d is not its own", p.Title, p.ID)
		}
		ids[p.ID] = true
		for _, other := range d.Panels[:i] {
			a, b := p.GridPos, other.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panels %q and %q overlap", p.Title, other.Title)
			}
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %q is wider than the screen", p.Title)
		}
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

// checkExpr holds an expression to the rules for all of them.
func checkExpr(t *testing.T, title, expr string) {
	t.Helper()
	for _, function := range []string{"rate(", "increase("} {
		if strings.Contains(expr, function) && strings.Count(expr, "$__rate_interval") != strings.Count(expr, function) {
			t.Errorf("panel %q: %s needs $__rate_interval: %s", title, function, expr)
		}
	}
	for _, selector := range regexp.MustCompile(`opsmanager_\w+(\{[^}]*\})?`).FindAllString(expr, -1) {
		// What is only joined with a series of the job needs no job of its own.
		if !strings.Contains(selector, `job=~"$job"`) && selector != "opsmanager_exporter_build_info" {
			t.Errorf("panel %q: %s is not of the job", title, selector)
		}
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
		case "job", "ops_manager", "org":
			if !v.Multi || !v.IncludeAll || v.AllValue != ".*" {
				t.Errorf("variable %s: several or all of 1,000 values must be possible, and All must be short", v.Name)
			}
		}
	}
	if want := []string{"datasource", "job", "ops_manager", "org", "exporter"}; !slices.Equal(names, want) {
		t.Errorf("variables %q, want %q", names, want)
	}
}

// Each state has its word and its colour, the same everywhere.
func TestStates(t *testing.T) {
	d, _ := load(t)
	want := map[string]struct{ Text, Color string }{
		"1": {"Synced", "green"}, "0": {"Not synced", "red"}, "0.5": {"Unknown", "orange"},
	}
	check := func(title string, mappings []mapping) {
		if len(mappings) != 1 || mappings[0].Type != "value" || len(mappings[0].Options) != len(want) {
			t.Fatalf("panel %q: mappings %+v", title, mappings)
		}
		for value, state := range want {
			if got := mappings[0].Options[value]; got != state {
				t.Errorf("panel %q: %s is %+v, want %+v", title, value, got, state)
			}
		}
	}
	timeline := d.find(t, "Migration links")
	if timeline.Type != "state-timeline" {
		t.Errorf("the links are in a %s", timeline.Type)
	}
	check(timeline.Title, timeline.FieldConfig.Defaults.Mappings)
	found := false
	for _, override := range d.find(t, "Organizations").FieldConfig.Overrides {
		for _, property := range override.Properties {
			if override.Matcher.Options == "State" && property.ID == "mappings" {
				var mappings []mapping
				if err := json.Unmarshal(property.Value, &mappings); err != nil {
					t.Fatal(err)
				}
				check("Organizations", mappings)
				found = true
			}
		}
	}
	if !found {
		t.Error("the table shows states as numbers")
	}
}
