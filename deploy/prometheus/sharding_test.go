// Package prometheus_test runs the configurations that users take on a real
// Prometheus.
package prometheus_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
)

const orgs = 8 // of the demo

// Two Prometheus servers with the README's configuration, each with its own
// number, share the demo's organizations: each has up == 1 for each of its own
// and one set of series for it.
func TestShardingFromREADME(t *testing.T) {
	suite := realprometheus.Newest()
	realprogram.Need(t, suite.Prometheus)
	exporter := realprometheus.StartExporter(t, realprometheus.Build(t), "demo")
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	i := slices.IndexFunc(blocks, func(b []string) bool { return strings.Contains(b[1], "hashmod") })
	if i < 0 {
		t.Fatal("the README has no configuration with hashmod")
	}
	config := strings.NewReplacer("localhost:20301", exporter.Address, "60s", "1s", "15s", "1s").Replace(blocks[i][1])

	var shards []*realprometheus.Process
	for shard := range 2 {
		config := realprometheus.Replace(t, config, "regex: 0,", fmt.Sprintf("regex: %d,", shard))
		shards = append(shards, suite.StartPrometheus(t, config, nil))
	}
	realprogram.Await(t, time.Minute, func() error {
		seen := make(map[string]int)
		for _, shard := range shards {
			up := values(t, shard, `up{job="opsmanager"} == 1`, "instance")
			info := values(t, shard, `count by (org_id) (opsmanager_migration_link_info)`, "org_id")
			success := values(t, shard, `count by (org_id) (opsmanager_migration_link_scrape_success)`, "org_id")
			for org := range up {
				seen[org]++
				if info[org] != "1" || success[org] != "1" {
					return fmt.Errorf("organization %s: %s and %s series", org, info[org], success[org])
				}
			}
			if len(info) != len(up) {
				return fmt.Errorf("up %v, info %v", up, info)
			}
			if down := values(t, shard, `up != 1`, "instance"); len(down) != 0 {
				return fmt.Errorf("down %v", down)
			}
		}
		for org, n := range seen {
			if n != 1 {
				return fmt.Errorf("organization %s is in %d shards", org, n)
			}
		}
		if len(seen) != orgs {
			return fmt.Errorf("two shards see %d organizations, want %d", len(seen), orgs)
		}
		return nil
	})
}

// values returns the values of an instant query by one label.
func values(t *testing.T, prometheus *realprometheus.Process, expr, label string) map[string]string {
	t.Helper()
	values := make(map[string]string)
	for _, s := range realprometheus.Query(t, prometheus, expr) {
		values[s.Labels[label]] = fmt.Sprint(s.Value)
	}
	return values
}
