package check

import (
	"cmp"
	"fmt"
	"strings"

	"opsmanager_exporter/collector/opsmanager"
)

// tableText returns the results for people.
func tableText(findings []finding) string { return table(findings) + toDo(findings) }

// table returns one line for each organization.
func table(findings []finding) string {
	rows := [][]string{{"ORGANIZATION", "NAME", "OPS MANAGER", "LINK", "TIME", "PROBLEM"}}
	for i := range findings {
		f := &findings[i]
		row := []string{
			f.org.ID,
			cmp.Or(f.name(), "-"),
			printable(f.manager.Name),
			cmp.Or(string(f.status), "unknown"),
			fmt.Sprintf("%.3fs", f.duration.Seconds()),
			"",
		}
		if f.reason != "" {
			row[5] = fmt.Sprintf("%s: %s", f.reason, f.problem)
		}
		rows = append(rows, row)
	}
	return aligned(rows)
}

// notSynced is the advice on a link that is down, although its status was read.
func notSynced() advice {
	return advice{
		problem: "Ops Manager answered: its connection to the Atlas organization is down",
		fix:     opsmanager.NotSynced.Fix(),
	}
}

// toDo returns each advice once, with the organizations that need it.
func toDo(findings []finding) string {
	type kind struct {
		title string
		advice
	}
	var order []kind
	ids := make(map[kind][]string)
	for i := range findings {
		f := &findings[i]
		k := kind{title: string(f.reason), advice: f.advice}
		switch {
		case f.status == opsmanager.NotSynced:
			k = kind{title: string(f.status), advice: notSynced()}
		case f.reason == "":
			continue
		}
		if ids[k] == nil {
			order = append(order, k)
		}
		ids[k] = append(ids[k], f.org.ID)
	}
	var b strings.Builder
	for _, k := range order {
		fmt.Fprintf(&b, "\n%s, %s: %s\n", k.title, count(len(ids[k]), "organization"), k.problem)
		fmt.Fprintf(&b, "  %s\n", k.fix)
		fmt.Fprintf(&b, "  %s\n", few(ids[k]))
	}
	return b.String()
}
