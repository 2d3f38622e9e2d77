package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
)

// tableText returns the results in human-readable form.
func tableText(findings []finding) string { return table(findings) + toDo(findings) }

// table returns a table with one line for each organization. It has a column for
// teams only if there are any.
func table(findings []finding) string {
	teams := slices.ContainsFunc(findings, func(f finding) bool { return f.Team != "" })
	columns := func(org, name, opsManager, team, link, time, problem string) []string {
		if !teams {
			return []string{org, name, opsManager, link, time, problem}
		}
		return []string{org, name, opsManager, team, link, time, problem}
	}
	rows := [][]string{columns("ORGANIZATION", "NAME", "OPS MANAGER", "TEAM", "LINK", "TIME", "PROBLEM")}
	for i := range findings {
		f := &findings[i]
		problem := ""
		if f.reason() != "" {
			problem = fmt.Sprintf("%s: %s", f.reason(), f.Advice.Problem)
		}
		rows = append(rows, columns(
			f.ID,
			cmp.Or(f.name(), "-"),
			text.Printable(f.OpsManager),
			cmp.Or(text.Printable(f.Team), "-"),
			cmp.Or(string(f.Status), "unknown"),
			fmt.Sprintf("%.3fs", f.Duration.Seconds()),
			problem,
		))
	}
	return text.Table(rows)
}

// toDo returns each advice once, with the organizations that it applies to.
func toDo(findings []finding) string {
	type kind struct {
		title string
		advice.Advice
	}
	var order []kind
	ids := make(map[kind][]string)
	for i := range findings {
		f := &findings[i]
		k := kind{title: string(f.reason()), Advice: f.Advice}
		switch {
		case f.Status == opsmanager.NotSynced:
			k.title = string(f.Status)
		case f.reason() == "":
			continue
		}
		if ids[k] == nil {
			order = append(order, k)
		}
		ids[k] = append(ids[k], f.ID)
	}
	var b strings.Builder
	for _, k := range order {
		fmt.Fprintf(&b, "\n%s, %s: %s\n", k.title, text.Count(len(ids[k]), "organization"), k.Problem)
		fmt.Fprintf(&b, "  %s\n", k.Fix)
		fmt.Fprintf(&b, "  %s\n", text.Few(ids[k]))
	}
	return b.String()
}
