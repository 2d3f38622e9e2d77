package orgs

import (
	"fmt"
	"strings"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
)

// failures returns a table of the API keys whose organizations could not be read, or not
// all of them, and each advice once. It is empty if there are none.
func failures(all []collector.Visible) string {
	rows := [][]string{{"OPS MANAGER", "API KEY OF", "PROBLEM"}}
	type kind struct {
		reason opsmanager.Reason
		advice.Advice
	}
	var order []kind
	keys := make(map[kind]int)
	for i := range all {
		for _, f := range all[i].Failures {
			owner := "Ops Manager"
			if f.Owner != nil {
				owner = f.Owner.ID
			}
			k := kind{opsmanager.ReasonOf(f.Err), f.Advice}
			rows = append(rows, []string{text.Printable(all[i].OpsManager), owner, fmt.Sprintf("%s: %s", k.reason, k.Problem)})
			if keys[k] == 0 {
				order = append(order, k)
			}
			keys[k]++
		}
	}
	if len(order) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(text.Table(rows))
	for _, k := range order {
		fmt.Fprintf(&b, "\n%s, %s: %s\n  %s\n", k.reason, text.Count(keys[k], "API key"), k.Problem, k.Fix)
	}
	return b.String()
}
