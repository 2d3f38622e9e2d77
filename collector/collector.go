package collector

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"opsmanager_exporter/collector/opsmanager"
)

// The metrics of a poll.
var (
	syncedDesc = newDesc("migration_link_synced",
		"Status of the migration link to Atlas, as read from the API during this scrape: 1 for SYNCED, 0 for NOT_SYNCED, absent if it could not be read.", "org_id")
	successDesc = newDesc("migration_link_scrape_success",
		"Whether this scrape read the status of the migration link: 1 for success, 0 for failure.", "org_id")
	durationDesc = newDesc("migration_link_scrape_duration_seconds",
		"Time that this scrape took to read the status of the migration link or to fail, in seconds.", "org_id")
	reasonDesc = newDesc("migration_link_scrape_failure_reason",
		"Why this scrape could not read the status of the migration link: 1 for the reason that applies, absent on success.", "org_id", "reason")
	errorsDesc = newDesc("migration_link_scrape_errors_total",
		"Total number of scrapes that could not read the status of the migration link.", "org_id")
	lastSuccessDesc = newDesc("migration_link_last_success_timestamp_seconds",
		"Unix timestamp of the last time the status of the migration link was read.", "org_id")
	orgInfoDesc     = newDesc("migration_link_info", orgInfoHelp, "org_id", "org_name", "ops_manager")
	orgInfoTeamDesc = newDesc("migration_link_info", orgInfoHelp, "org_id", "org_name", "ops_manager", "team")
	infoDesc        = newDesc("info", "Version that this Ops Manager reports; always 1.", "ops_manager", "version")
)

const orgInfoHelp = "Name of the organization (its ID if none is configured), its Ops Manager and its team, if any; always 1."

func newDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Options configure a [Collector].
type Options struct {
	// Then, if not nil, is collected after the polls, so that its counters include
	// them. If it were registered separately, it would be gathered during the polls.
	Then prometheus.Collector
	// BeforeSend, if not nil, is called between polling and sending. It may block.
	// If it returns false, nothing is sent.
	BeforeSend func() bool
}

// Collector is a [prometheus.Collector] for one scrape: Collect polls its
// organizations until the deadline of its context and then sends the results.
// Register it in a new registry for each scrape.
type Collector struct {
	ctx     context.Context //nolint:containedctx // Collect takes none: client_golang issue 1538
	targets *Targets
	opts    Options
}

// Collector returns a collector for one scrape, without polling yet. The collector
// waits for polls until ctx is done. If ctx is canceled, it sends nothing.
func (t *Targets) Collector(ctx context.Context, opts Options) *Collector {
	return &Collector{ctx: ctx, targets: t, opts: opts}
}

// Describe implements [prometheus.Collector]. It does not poll.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{syncedDesc, successDesc, durationDesc, reasonDesc, errorsDesc, lastSuccessDesc, c.targets.orgInfo(), infoDesc} {
		ch <- desc
	}
	if c.opts.Then != nil {
		c.opts.Then.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	answers := c.targets.poll(c.ctx, nil)
	if c.opts.BeforeSend != nil && !c.opts.BeforeSend() || cancelled(c.ctx) {
		return
	}
	send(ch, c.targets.settle(answers), c.targets.orgInfo())
	if c.opts.Then != nil {
		c.opts.Then.Collect(ch)
	}
}

// orgInfo returns the description of migration_link_info. A registry requires the
// same labels on all metrics with the same name: the label team is omitted if no
// organization has a team. Otherwise it is empty, which is equivalent in Prometheus,
// on organizations without one.
func (t *Targets) orgInfo() *prometheus.Desc {
	if slices.ContainsFunc(t.orgs, func(o *organization) bool { return o.config.Team != "" }) {
		return orgInfoTeamDesc
	}
	return orgInfoDesc
}

// send converts results to metrics and sends them; orgInfo describes
// migration_link_info.
func send(ch chan<- prometheus.Metric, results Results, orgInfo *prometheus.Desc) {
	add := func(desc *prometheus.Desc, value float64, labels []*dto.LabelPair) {
		ch <- &metric{desc: desc, value: value, labels: labels}
	}
	opsManagerName, orgName, team := "ops_manager", "org_name", "team"
	var opsManager *dto.LabelPair // organizations of one Ops Manager are consecutive
	for i := range results.Orgs {
		r := &results.Orgs[i]
		if opsManager == nil || opsManager.GetValue() != r.OpsManager {
			opsManager = &dto.LabelPair{Name: &opsManagerName, Value: &r.OpsManager}
		}
		// Shared by all metrics of the organization: constant metrics of package
		// prometheus create their own each, which would take another 50 % of the CPU
		// time of the whole exposition (BenchmarkCollect).
		id := prometheus.MakeLabelPairs(syncedDesc, []string{r.OrgID})
		switch {
		case r.Err == nil && r.Status == opsmanager.Synced:
			add(successDesc, 1, id)
			add(syncedDesc, 1, id)
		case r.Err == nil && r.Status == opsmanager.NotSynced:
			add(successDesc, 1, id)
			add(syncedDesc, 0, id)
		default:
			add(successDesc, 0, id)
			add(reasonDesc, 1, prometheus.MakeLabelPairs(reasonDesc, []string{r.OrgID, string(opsmanager.ReasonOf(r.Err))}))
		}
		add(durationDesc, r.Duration.Seconds(), id)
		add(errorsDesc, float64(r.Errors), id)
		if !r.LastSuccess.IsZero() {
			add(lastSuccessDesc, seconds(r.LastSuccess), id)
		}
		info := []*dto.LabelPair{opsManager, id[0], {Name: &orgName, Value: &r.OrgName}}
		if orgInfo == orgInfoTeamDesc {
			info = append(info, &dto.LabelPair{Name: &team, Value: &r.Team})
		}
		add(orgInfo, 1, info)
	}
	for _, s := range results.Servers {
		add(infoDesc, 1, prometheus.MakeLabelPairs(infoDesc, []string{s.OpsManager, s.Version}))
	}
}

// metric is a [prometheus.Metric] that shares labels with others.
type metric struct {
	desc   *prometheus.Desc
	value  float64
	labels []*dto.LabelPair // ordered by name; not modified
}

// Desc implements [prometheus.Metric].
func (m *metric) Desc() *prometheus.Desc { return m.desc }

// Write implements [prometheus.Metric].
func (m *metric) Write(out *dto.Metric) error {
	out.Label = m.labels
	if m.desc == errorsDesc {
		out.Counter = &dto.Counter{Value: &m.value}
		return nil
	}
	// One allocation, without a pointer to m: there are tens of thousands of metrics.
	s := &struct {
		gauge dto.Gauge
		value float64
	}{value: m.value}
	s.gauge.Value = &s.value
	out.Gauge = &s.gauge
	return nil
}
