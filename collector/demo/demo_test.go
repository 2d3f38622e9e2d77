package demo_test

import (
	"net/url"
	"strings"
	"testing"

	"opsmanager_exporter/collector/demo"
)

// The guide contains the URLs that the exporter serves.
func TestGuide(t *testing.T) {
	d, err := demo.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	base := &url.URL{Scheme: "https", Host: "localhost:20301", Path: "/om"}
	guide := d.Guide(base, "/m")
	for _, want := range []string{
		"  https://localhost:20301/om/\n",
		"  https://localhost:20301/om/m\n",
		"  https://localhost:20301/om/sd\n",
		"  https://localhost:20301/om/probe?target=5f1e9c2b8d3a4e0012ab3408&debug=true\n",
		"\n  curl -s https://localhost:20301/om/m | grep ^opsmanager_migration_link_synced\n",
	} {
		if !strings.Contains(guide, want) {
			t.Errorf("no %q in\n%s", want, guide)
		}
	}
}
