// Package web serves what the exporter knows over HTTP: metrics, probes,
// service discovery, health and reload.
package web

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"opsmanager_exporter/collector"
)

// The paths that are always served, below the route prefix.
const (
	ProbePath   = "/probe"
	SDPath      = "/sd"
	HealthyPath = "/-/healthy"
	ReadyPath   = "/-/ready"
	ReloadPath  = "/-/reload"
)

// Options say what is served and how.
type Options struct {
	Exporter *collector.Exporter
	Logger   *slog.Logger // nil logs nothing
	// Page is served at /; nil for none.
	Page http.Handler
	// TelemetryPath is the path of the metrics; "" means /metrics.
	TelemetryPath string
	// ExternalURL is where users reach the exporter, nil where that is the
	// address that they ask.
	ExternalURL *url.URL
	// TimeoutOffset is taken off a scrape's timeout, for rendering and the way
	// back, but never more than half of the timeout.
	TimeoutOffset time.Duration
	// DefaultTimeout is the timeout of a scrape that announces none; 0 means 10 s.
	DefaultTimeout time.Duration
	// MaxRequests is how many scrapes may be in flight; 0 means no limit.
	MaxRequests int
	// Instrumentation, unless nil, gets the metrics promhttp_* about scrapes.
	Instrumentation prometheus.Registerer
	// Reload is called by POST /-/reload; nil where that is not enabled.
	Reload func() error
}

// server serves scrapes. It is not modified once it is in use.
type server struct {
	Options
	rendering chan struct{} // holds one for each scrape that is being rendered
}

// New returns the handler of all paths.
func New(opts Options) http.Handler {
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	opts.TelemetryPath = cmp.Or(opts.TelemetryPath, "/metrics")
	opts.DefaultTimeout = cmp.Or(opts.DefaultTimeout, 10*time.Second)
	s := &server{Options: opts, rendering: make(chan struct{}, runtime.GOMAXPROCS(0))}
	metrics := http.Handler(http.HandlerFunc(s.metrics))
	if opts.Instrumentation != nil {
		metrics = promhttp.InstrumentMetricHandler(opts.Instrumentation, metrics)
	}
	limit := limiter(opts.MaxRequests)
	mux := http.NewServeMux()
	mux.Handle("GET "+opts.TelemetryPath, limit(metrics))
	mux.Handle("GET "+ProbePath, limit(http.HandlerFunc(s.probe)))
	mux.HandleFunc("GET "+SDPath, s.sd)
	mux.Handle("GET "+HealthyPath, says("opsmanager_exporter is healthy."))
	mux.Handle("GET "+ReadyPath, says("opsmanager_exporter is ready."))
	mux.HandleFunc("POST "+ReloadPath, s.reload)
	if opts.Page != nil {
		mux.Handle("GET /{$}", opts.Page)
	}
	return guard(mux)
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, text) }
}
