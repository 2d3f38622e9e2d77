// Package strict_test decodes the dashboard with Grafana's own types.
package strict_test

import (
	"os"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// decode returns what Grafana's types do not know or miss in a dashboard, "" if
// all is well.
func decode(text string) string {
	var d dashboard.Dashboard //nolint:staticcheck // the classic schema: every Grafana in use imports it
	// The error is never nil: an empty list of errors.
	if err := d.UnmarshalJSONStrict([]byte(text)); err != nil && err.Error() != "" {
		return err.Error()
	}
	if err := d.Validate(); err != nil {
		return err.Error()
	}
	return ""
}

func TestDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	text, err := os.ReadFile("../migration-links.json")
	if err != nil {
		t.Fatal(err)
	}
	if problem := decode(string(text)); problem != "" {
		t.Error(problem)
	}
	for name, want := range map[string]string{ // misspelt, and what is said of it
		"legendFormat": "legendFormatx", "gridPos": "gridPosx", "drawStyle": "drawStylex", "perPage": "perPagex", "allValue": "allValuex",
	} {
		broken := strings.ReplaceAll(string(text), `"`+name+`"`, `"`+want+`"`)
		if problem := decode(broken); !strings.Contains(problem, want) {
			t.Errorf("%s for %s: %q", want, name, problem)
		}
	}
}
