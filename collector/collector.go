package collector

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"opsmanager_exporter/collector/opsmanager"
)

// The metrics that a poll of one organization yields.
var (
	syncedDesc = newDesc("migration_link_synced",
		"Whether the migration link to Atlas is up, as read from the API during this scrape: 1 SYNCED, 0 NOT_SYNCED; absent if this scrape could not read it.", "org_id")
	successDesc = newDesc("migration_link_scrape_success",
		"Whether this scrape read the status of the migration link: 1 it did, 0 it did not.", "org_id")
	durationDesc = newDesc("migration_link_scrape_duration_seconds",
		"How long this scrape took to read the status of the migration link or to give up, in seconds.", "org_id")
	reasonDesc = newDesc("migration_link_scrape_failure_reason",
		"Why this scrape could not read the status of the migration link: 1 for the reason; absent if it could.", "org_id", "reason")
	errorsDesc = newDesc("migration_link_scrape_errors_total",
		"Scrapes that could not read the status of the migration link.", "org_id")
	lastSuccessDesc = newDesc("migration_link_last_success_timestamp_seconds",
		"When the status of the migration link was last read, in seconds since 1970.", "org_id")
	orgInfoDesc     = newDesc("migration_link_info", orgInfoHelp, "org_id", "org_name", "ops_manager")
	orgInfoTeamDesc = newDesc("migration_link_info", orgInfoHelp, "org_id", "org_name", "ops_manager", "team")
	infoDesc        = newDesc("info", "The version that this Ops Manager reports; always 1.", "ops_manager", "version")
)

const orgInfoHelp = "The organization's name (its ID where none is configured), its Ops Manager and, where one is configured, its team; always 1."

func newDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Options configure a [Collector].
type Options struct {
	// Then, if not nil, is collected after the polls, so that its counters include
	// them. If it were registered separately, it would be gathered while polls are
	// running.
	Then prometheus.Collector
	// BeforeSend, if not nil, is called between polling and sending. It may block;
	// if it returns false, nothing is sent.
	BeforeSend func() bool
}

// Collector is a [prometheus.Collector] for one scrape: each Collect polls its
// organizations, by the deadline of its context, and then sends the results.
// Register it in a new registry for each scrape.
type Collector struct {
	ctx     context.Context //nolint:containedctx // Collect takes none: client_golang issue 1538
	targets *Targets
	opts    Options
}

// Collector returns a collector for one scrape. It polls nothing yet. Waiting for
// polls ends with ctx. If ctx is cancelled, nothing is sent.
func (t *Targets) Collector(ctx context.Context, opts Options) *Collector {
	return &Collector{ctx: ctx, targets: t, opts: opts}
}

// Describe implements [prometheus.Collector]. It polls nothing.
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

// orgInfo returns the description of migration_link_info. A registry wants the
// same labels on all metrics of one name: the label team is on none where no
// organization has a team, and empty, which means the same to Prometheus, on
// those without one beside others.
func (t *Targets) orgInfo() *prometheus.Desc {
	if slices.ContainsFunc(t.orgs, func(o *organization) bool { return o.config.Team != "" }) {
		return orgInfoTeamDesc
	}
	return orgInfoDesc
}

// send turns results into metrics, and does nothing else; orgInfo describes
// migration_link_info.
func send(ch chan<- prometheus.Metric, results Results, orgInfo *prometheus.Desc) {
	add := func(desc *prometheus.Desc, value float64, labels []*dto.LabelPair) {
		ch <- &metric{desc: desc, value: value, labels: labels}
	}
	opsManagerName, orgName, team := "ops_manager", "org_name", "team"
	var opsManager *dto.LabelPair // the organizations of one follow each other
	for i := range results.Orgs {
		r := &results.Orgs[i]
		if opsManager == nil || opsManager.GetValue() != r.OpsManager {
			opsManager = &dto.LabelPair{Name: &opsManagerName, Value: &r.OpsManager}
		}
		// Made once for all metrics of the organization: constant metrics of
		// package prometheus each make their own, which would take half as much CPU
		// again as all of the exposition (BenchmarkCollect).
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

// metric is a [prometheus.Metric] with labels that it shares with others.
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
	// In one piece, and without a pointer to m: there are tens of thousands.
	s := &struct {
		gauge dto.Gauge
		value float64
	}{value: m.value}
	s.gauge.Value = &s.value
	out.Gauge = &s.gauge
	return nil
}
