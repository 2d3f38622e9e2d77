package collector

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"opsmanager_exporter/collector/opsmanager"
)

const namespace = "opsmanager"

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// apiMetrics counts the HTTP requests to one Ops Manager. Each has its own registry,
// which is gathered only while the Ops Manager is configured, so that its series
// disappear with it and a poll that ends after a reload cannot bring them back.
type apiMetrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration prometheus.Observer
}

func newAPIMetrics(opsManager string) *apiMetrics {
	registry := prometheus.NewRegistry()
	auto := promauto.With(prometheus.WrapRegistererWith(prometheus.Labels{"ops_manager": opsManager}, registry))
	return &apiMetrics{
		registry: registry,
		requests: auto.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "api", Name: "requests_total",
			Help: "Total number of HTTP requests sent to this Ops Manager, including digest challenges and requests for tokens, by status code; error if there was no response.",
		}, []string{"code"}),
		duration: auto.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: "api", Name: "request_duration_seconds",
			Help:                        "Time from sending an HTTP request to the end of its response, including connection setup, in seconds.",
			Buckets:                     []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
			NativeHistogramBucketFactor: 1.1,
		}),
	}
}

func (m *apiMetrics) observe(e opsmanager.Exchange) {
	code := "error"
	if e.StatusCode != 0 {
		code = strconv.Itoa(e.StatusCode)
	}
	m.requests.WithLabelValues(code).Inc()
	m.duration.Observe(e.Duration.Seconds())
}

// reloadMetrics expose whether the last load of the configuration was successful,
// and when one last was.
type reloadMetrics struct {
	successful prometheus.Gauge
	timestamp  prometheus.Gauge
}

func newReloadMetrics(reg prometheus.Registerer) *reloadMetrics {
	auto := promauto.With(reg)
	return &reloadMetrics{
		successful: auto.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: "exporter", Name: "config_last_reload_successful",
			Help: "Whether the last configuration load was successful: 1 for success, 0 for failure, when the previous configuration stays in use.",
		}),
		timestamp: auto.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: "exporter", Name: "config_last_reload_success_timestamp_seconds",
			Help: "Unix timestamp of the last successful configuration load.",
		}),
	}
}

// collectors is a collector that runs others one after another.
type collectors []prometheus.Collector

// Describe implements [prometheus.Collector].
func (all collectors) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range all {
		c.Describe(ch)
	}
}

// Collect implements [prometheus.Collector].
func (all collectors) Collect(ch chan<- prometheus.Metric) {
	for _, c := range all {
		c.Collect(ch)
	}
}
