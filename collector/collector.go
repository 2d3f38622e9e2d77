package collector

import "github.com/prometheus/client_golang/prometheus"

// Collector exposes what one scrape learned. It belongs into a registry of that
// scrape alone: [Exporter.Metrics] and [Exporter.Probe] make one for each request,
// after the polls, so that what counts their requests is gathered after them too.
type Collector struct {
	round Round
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	describe(ch)
}

// Collect implements prometheus.Collector. Organizations that gave no status are
// told by their reason.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	render(ch, c.round)
}
