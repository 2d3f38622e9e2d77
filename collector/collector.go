package collector

import "github.com/prometheus/client_golang/prometheus"

// Collector polls its organizations when it is collected. It is made for one
// scrape, whose deadline is in poll, and belongs into a registry of that scrape
// alone: [Exporter.Metrics] and [Exporter.Probe] make one for each request.
type Collector struct {
	poll func() Round
}

// Describe implements prometheus.Collector. It polls nothing.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	describe(ch)
}

// Collect implements prometheus.Collector. It returns by the deadline of its
// scrape; organizations that gave no status by then are told by their reason.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	render(ch, c.poll())
}
