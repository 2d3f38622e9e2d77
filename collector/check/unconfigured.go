package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
)

// unconfigured returns a line for each Ops Manager that says how many organizations its
// credentials can see that are not configured, or false if ctx was canceled. It does not ask
// an Ops Manager that has not told any status, so that one that is down costs its timeout
// only once.
func unconfigured(ctx context.Context, targets *collector.Targets, findings []finding) (lines string, ok bool) {
	var names []string // in the order of the configuration
	reads := make(map[string]bool)
	for i := range findings {
		f := &findings[i]
		if !slices.Contains(names, f.OpsManager) {
			names = append(names, f.OpsManager)
		}
		if f.reason() == "" {
			reads[f.OpsManager] = true
		}
	}
	all, ok := targets.Visible(ctx, func(name string) bool { return reads[name] })
	if !ok {
		return "", false
	}
	numbers := make(map[string]string)
	for i := range all {
		numbers[all[i].OpsManager] = number(&all[i])
	}
	var b strings.Builder
	for _, name := range names {
		number := numbers[name]
		if number == "" {
			number = "unknown, because no status could be read"
		}
		fmt.Fprintf(&b, "visible in Ops Manager %q but not configured: %s\n", name, number)
	}
	return b.String(), true
}

// number says how many organizations are not configured.
func number(v *collector.Visible) string {
	n := "none"
	switch {
	case v.Unconfigured() > 0:
		n = text.Count(v.Unconfigured(), "organization") + ", listed by opsmanager_exporter orgs"
	case len(v.Failures) == v.Credentials:
		n = "unknown"
	}
	if len(v.Failures) == 0 {
		return n
	}
	var reasons []string
	for _, f := range v.Failures {
		if r := string(opsmanager.ReasonOf(f.Err)); !slices.Contains(reasons, r) {
			reasons = append(reasons, r)
		}
	}
	return fmt.Sprintf("%s; %d of %s could not list all organizations (%s)",
		n, len(v.Failures), text.Count(v.Credentials, "credential"), strings.Join(reasons, ", "))
}
