package orgs

import (
	"fmt"
	"strings"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/advice"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
)

// failures returns a table of the credentials whose organizations could not be read, or not
// all of them, and each advice once. It is empty if there are none.
func failures(all []collector.Visible) string {
	rows := [][]string{{"OPS MANAGER", "CREDENTIALS", "PROBLEM"}}
	type kind struct {
		reason opsmanager.Reason
		advice.Advice
	}
	var order []kind
	credentials := make(map[kind]int)
	for i := range all {
		for _, f := range all[i].Failures {
			owner := "Ops Manager"
			if f.Owner != nil {
				owner = f.Owner.ID
			}
			k := kind{opsmanager.ReasonOf(f.Err), f.Advice}
			rows = append(rows, []string{text.Printable(all[i].OpsManager), fmt.Sprintf("%s of %s", f.Kind, owner), fmt.Sprintf("%s: %s", k.reason, k.Problem)})
			if credentials[k] == 0 {
				order = append(order, k)
			}
			credentials[k]++
		}
	}
	if len(order) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(text.Table(rows))
	for _, k := range order {
		fmt.Fprintf(&b, "\n%s, %s: %s\n  %s\n", k.reason, text.Count(credentials[k], "credential"), k.Problem, k.Fix)
	}
	return b.String()
}
