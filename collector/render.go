package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsmanager_exporter/collector/opsmanager"
)

var (
	syncedDesc = linkDesc("synced",
		"Whether the migration link to Atlas is up, as read from the API during this scrape: 1 SYNCED, 0 NOT_SYNCED; absent if this scrape did not learn it.")
	successDesc = linkDesc("scrape_success",
		"Whether this scrape read the status of the migration link: 1 it did, 0 it did not.")
	durationDesc = linkDesc("scrape_duration_seconds",
		"How long this scrape took to learn the status of the migration link or to give up, in seconds.")
	reasonDesc = linkDesc("scrape_failure_reason",
		"Why this scrape did not read the status of the migration link; 1, and absent if it did.", "reason")
	errorsDesc = linkDesc("scrape_errors_total",
		"Scrapes that did not read the status of the migration link.")
	lastSuccessDesc = linkDesc("last_success_timestamp_seconds",
		"When the status of the migration link was last read, in seconds since 1970.")
	infoDesc = linkDesc("info",
		"The organization's name (its ID where none is configured) and its Ops Manager; always 1.", "org_name", "ops_manager")
	serverDesc = prometheus.NewDesc(prometheus.BuildFQName(namespace, "", "info"),
		"The version that this Ops Manager reports; always 1.", []string{"ops_manager", "version"}, nil)
)

func linkDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "migration_link", name), help,
		append([]string{"org_id"}, labels...), nil)
}

func describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		syncedDesc, successDesc, durationDesc, reasonDesc, errorsDesc, lastSuccessDesc, infoDesc, serverDesc,
	} {
		ch <- desc
	}
}

// render turns what a scrape learned into metrics, and nothing else.
func render(ch chan<- prometheus.Metric, round Round) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, r := range round.Results {
		if r.Err != nil {
			gauge(successDesc, 0, r.OrgID)
			gauge(reasonDesc, 1, r.OrgID, string(opsmanager.ReasonOf(r.Err)))
		} else {
			gauge(successDesc, 1, r.OrgID)
			gauge(syncedDesc, synced(r.Status), r.OrgID)
		}
		gauge(durationDesc, r.Duration.Seconds(), r.OrgID)
		ch <- prometheus.MustNewConstMetric(errorsDesc, prometheus.CounterValue, float64(r.Errors), r.OrgID)
		if !r.LastSuccess.IsZero() {
			gauge(lastSuccessDesc, seconds(r.LastSuccess), r.OrgID)
		}
		gauge(infoDesc, 1, r.OrgID, r.OrgName, r.OpsManager)
	}
	for _, s := range round.Servers {
		gauge(serverDesc, 1, s.OpsManager, s.Version)
	}
}

// synced is only called with a status that was read: 1 for SYNCED, 0 for
// NOT_SYNCED, and there is no third one.
func synced(s opsmanager.Status) float64 {
	if s == opsmanager.Synced {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
