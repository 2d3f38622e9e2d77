// Package web serves the HTTP endpoints of the exporter: metrics, probes, service
// discovery, health and reload.
package web

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"opsmanager_exporter/collector"
)

// The fixed paths, below the route prefix.
const (
	ProbePath   = "/probe"
	SDPath      = "/sd"
	HealthyPath = "/-/healthy"
	ReadyPath   = "/-/ready"
	ReloadPath  = "/-/reload"
)

// Options configure the handler.
type Options struct {
	Exporter *collector.Exporter
	Logger   *slog.Logger // nil to discard logs
	// Page is served at /; nil for none.
	Page http.Handler
	// TelemetryPath is the path of the metrics; "" means /metrics.
	TelemetryPath string
	// RoutePrefix is the prefix of every path; "" means the path of ExternalURL, "/"
	// means none.
	RoutePrefix string
	// ExternalURL is where users reach the exporter; nil to use the host of each
	// request.
	ExternalURL *url.URL
	// TimeoutOffset is subtracted from the timeout of a scrape, to leave time for
	// rendering and sending, but at most half of the timeout.
	TimeoutOffset time.Duration
	// DefaultTimeout is the timeout of a scrape that announces none; 0 means 10 s.
	DefaultTimeout time.Duration
	// MaxRequests is the maximum number of concurrent scrapes; 0 means no limit.
	MaxRequests int
	// Instrumentation, unless nil, registers the promhttp_* metrics about scrapes.
	Instrumentation prometheus.Registerer
	// Reload is called for POST /-/reload; nil if that is not enabled.
	Reload func() error
}

// How many requests for / are rendered at once, how many wait, and for how long.
const (
	pageSlots    = 1
	pageQueue    = 64
	pagePatience = 5 * time.Second
)

// server serves requests. Its fields are not modified once it is in use.
type server struct {
	Options
	prefix      string        // of every path, without a trailing slash
	rendering   chan struct{} // one element per scrape being rendered
	backlog     backlog
	discoveries discoveries
}

// New returns the handler of all paths.
func New(opts Options) http.Handler {
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	opts.TelemetryPath = cmp.Or(opts.TelemetryPath, "/metrics")
	opts.DefaultTimeout = cmp.Or(opts.DefaultTimeout, 10*time.Second)
	s := &server{Options: opts, prefix: opts.prefix(), rendering: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))}
	metrics := http.Handler(http.HandlerFunc(s.metrics))
	if opts.Instrumentation != nil {
		metrics = promhttp.InstrumentMetricHandler(opts.Instrumentation, metrics)
	}
	scrapes := newLimiter(opts.MaxRequests, "too many concurrent scrapes: try again later, or increase --web.max-requests")
	mux := http.NewServeMux()
	base := (&url.URL{Path: s.prefix}).EscapedPath() // as patterns and redirects need it
	mux.Handle("GET "+base+opts.TelemetryPath, s.limit(scrapes, metrics))
	mux.Handle("GET "+base+ProbePath, s.limit(scrapes, http.HandlerFunc(s.probe)))
	mux.HandleFunc("GET "+base+SDPath, s.sd)
	mux.Handle("GET "+base+HealthyPath, says("opsmanager_exporter is healthy."))
	mux.Handle("GET "+base+ReadyPath, says("opsmanager_exporter is ready."))
	mux.Handle("POST "+base+ReloadPath, sameSite(http.HandlerFunc(s.reload)))
	if opts.Page != nil {
		pages := newLimiter(pageSlots, "too many concurrent requests for this page: try again later")
		pages.queue, pages.patience = make(chan struct{}, pageQueue), pagePatience
		mux.Handle("GET "+base+"/{$}", s.limit(pages, opts.Page))
	}
	if base != "" {
		home := http.RedirectHandler(opts.home(base), http.StatusFound)
		mux.Handle("GET /{$}", home)
		mux.Handle("GET "+base, home)
	}
	return guard(unread(mux))
}

// prefix returns the prefix of every path, without a trailing slash.
func (o *Options) prefix() string {
	prefix := o.RoutePrefix
	if prefix == "" && o.ExternalURL != nil {
		prefix = o.ExternalURL.Path
	}
	return strings.TrimSuffix(path.Join("/", prefix), "/")
}

// home returns the URL of the status page, as users reach it.
func (o *Options) home(base string) string {
	if o.ExternalURL != nil {
		return o.ExternalURL.JoinPath("/").String()
	}
	return base + "/"
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, text) }
}
