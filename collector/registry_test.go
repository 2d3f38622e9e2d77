package collector_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

// The collector of a scrape passes the checks of a pedantic registry, including what
// is collected after the polls, and describes itself without polling.
func TestPedanticRegistry(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 3})
	f.sim.SetOrg(orgID(1), simulator.Org{Answer: simulator.Status("NOT_SYNCED")})
	f.sim.SetOrg(orgID(2), simulator.Org{Answer: simulator.OrgNotFound()})
	targets := f.exporter.Targets()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(targets.Collector(t.Context(), collector.Options{Then: targets.Metrics()}))
	if got := f.sim.Counts().Requests; got != 0 {
		t.Errorf("%d requests without a scrape", got)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	// The counters include the polls of this scrape: one challenge and three polls,
	// and then three more.
	const want = `# HELP opsmanager_api_requests_total Total number of HTTP requests sent to this Ops Manager, including digest challenges and requests for tokens, by status code; error if there was no response.
# TYPE opsmanager_api_requests_total counter
opsmanager_api_requests_total{code="200",ops_manager="production"} 4
opsmanager_api_requests_total{code="401",ops_manager="production"} 1
opsmanager_api_requests_total{code="404",ops_manager="production"} 2
# HELP opsmanager_migration_link_synced Status of the migration link to Atlas, as read from the API during this scrape: 1 for SYNCED, 0 for NOT_SYNCED, absent if it could not be read.
# TYPE opsmanager_migration_link_synced gauge
opsmanager_migration_link_synced{org_id="5f1e9c2b8d3a4e0000000000"} 1
opsmanager_migration_link_synced{org_id="5f1e9c2b8d3a4e0000000001"} 0
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "opsmanager_api_requests_total", "opsmanager_migration_link_synced"); err != nil {
		t.Error(err)
	}
}

// Nothing is sent if BeforeSend returns false or the client is gone.
func TestBeforeSend(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 1})
	var polled int
	for _, send := range []bool{true, false} {
		c := f.exporter.Targets().Collector(t.Context(), collector.Options{BeforeSend: func() bool {
			polled = f.sim.OrgCounts(orgID(0)).OK
			return send
		}})
		if got := testutil.CollectAndCount(c, "opsmanager_migration_link_synced"); got != map[bool]int{true: 1, false: 0}[send] {
			t.Errorf("BeforeSend returns %t: %d samples", send, got)
		}
	}
	if polled != 2 {
		t.Errorf("the organization was read %d times before the samples were sent, want 2", polled)
	}
}
