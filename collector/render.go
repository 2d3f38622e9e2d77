package collector

import (
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"opsmanager_exporter/collector/opsmanager"
)

// gatherer gathers what one scrape learned, and then the rest: the requests of
// the scrape are counted there.
//
// What a scrape learned is in no registry: one for each scrape would copy, check
// and sort again what is right by construction, at several times the CPU and
// memory (BenchmarkRender).
type gatherer struct {
	round Round
	rest  prometheus.Gatherers
}

// Gather implements prometheus.Gatherer.
func (g gatherer) Gather() ([]*dto.MetricFamily, error) {
	rest, err := g.rest.Gather()
	families := append(render(g.round), rest...)
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return families, err
}

// render turns what a scrape learned into metrics, ordered by organization, and
// does nothing else.
func render(round Round) []*dto.MetricFamily {
	results := make([]*Result, len(round.Results))
	for i := range round.Results {
		results[i] = &round.Results[i]
	}
	slices.SortFunc(results, func(a, b *Result) int { return strings.Compare(a.OrgID, b.OrgID) })

	const gauge, counter = dto.MetricType_GAUGE, dto.MetricType_COUNTER
	synced := newFamily("migration_link_synced", gauge,
		"Whether the migration link to Atlas is up, as read from the API during this scrape: 1 SYNCED, 0 NOT_SYNCED; absent if this scrape did not learn it.")
	success := newFamily("migration_link_scrape_success", gauge,
		"Whether this scrape read the status of the migration link: 1 it did, 0 it did not.")
	duration := newFamily("migration_link_scrape_duration_seconds", gauge,
		"How long this scrape took to learn the status of the migration link or to give up, in seconds.")
	failure := newFamily("migration_link_scrape_failure_reason", gauge,
		"Why this scrape did not read the status of the migration link; 1, and absent if it did.")
	errors := newFamily("migration_link_scrape_errors_total", counter,
		"Scrapes that did not read the status of the migration link.")
	lastSuccess := newFamily("migration_link_last_success_timestamp_seconds", gauge,
		"When the status of the migration link was last read, in seconds since 1970.")
	info := newFamily("migration_link_info", gauge,
		"The organization's name (its ID where none is configured) and its Ops Manager; always 1.")
	server := newFamily("info", gauge, "The version that this Ops Manager reports; always 1.")

	for _, r := range results {
		id := label("org_id", r.OrgID)
		org := []*dto.LabelPair{id} // shared: nobody writes to it
		if r.Err != nil {
			success.add(0, org)
			failure.add(1, []*dto.LabelPair{id, label("reason", string(opsmanager.ReasonOf(r.Err)))})
		} else {
			success.add(1, org)
			synced.add(syncedValue(r.Status), org)
		}
		duration.add(r.Duration.Seconds(), org)
		errors.add(float64(r.Errors), org)
		if !r.LastSuccess.IsZero() {
			lastSuccess.add(seconds(r.LastSuccess), org)
		}
		info.add(1, []*dto.LabelPair{label("ops_manager", r.OpsManager), id, label("org_name", r.OrgName)})
	}
	for _, s := range round.Servers {
		server.add(1, []*dto.LabelPair{label("ops_manager", s.OpsManager), label("version", s.Version)})
	}

	var families []*dto.MetricFamily
	for _, f := range []*family{server, info, lastSuccess, duration, errors, failure, success, synced} {
		if len(f.Metric) > 0 {
			families = append(families, f.MetricFamily)
		}
	}
	return families
}

// family is a metric family in the making.
type family struct {
	*dto.MetricFamily
	free []sample
}

// sample is what a metric of a family points to, in one piece: thousands of
// small ones would cost more.
type sample struct {
	metric dto.Metric
	gauge  dto.Gauge
	value  float64
}

func newFamily(name string, kind dto.MetricType, help string) *family {
	name = prometheus.BuildFQName(namespace, "", name)
	return &family{MetricFamily: &dto.MetricFamily{Name: &name, Help: &help, Type: &kind}}
}

// add adds a sample. The labels are ordered by name, and not modified.
func (f *family) add(value float64, labels []*dto.LabelPair) {
	if len(f.free) == 0 {
		f.free = make([]sample, 64)
	}
	s := &f.free[0]
	f.free = f.free[1:]
	s.value = value
	s.metric.Label = labels
	if f.GetType() == dto.MetricType_COUNTER {
		s.metric.Counter = &dto.Counter{Value: &s.value}
	} else {
		s.gauge.Value = &s.value
		s.metric.Gauge = &s.gauge
	}
	f.Metric = append(f.Metric, &s.metric)
}

func label(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: &name, Value: &value}
}

// syncedValue is only called with a status that was read: 1 for SYNCED, 0 for
// NOT_SYNCED, and there is no third one.
func syncedValue(s opsmanager.Status) float64 {
	if s == opsmanager.Synced {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
