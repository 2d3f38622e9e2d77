package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

// tableText returns the results in human-readable form.
func tableText(findings []finding) string { return table(findings) + toDo(findings) }

// table returns a table with one line for each organization. It has a column for
// teams only if there are any, and one for the kinds of credentials only if any is a
// service account.
func table(findings []finding) string {
	teams := slices.ContainsFunc(findings, func(f finding) bool { return f.Team != "" })
	accounts := slices.ContainsFunc(findings, func(f finding) bool { return f.Credentials == config.ServiceAccount })
	columns := func(org, name, opsManager, team, credentials, link, time, problem string) []string {
		all := []string{org, name, opsManager}
		if teams {
			all = append(all, team)
		}
		if accounts {
			all = append(all, credentials)
		}
		return append(all, link, time, problem)
	}
	rows := [][]string{columns("ORGANIZATION", "NAME", "OPS MANAGER", "TEAM", "CREDENTIALS", "LINK", "TIME", "PROBLEM")}
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
			f.Credentials.String(),
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
