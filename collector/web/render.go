package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// leastPatience is how long a scrape waits for the rendering of others, even if
// --scrape.timeout-offset leaves no time for that.
const leastPatience = 250 * time.Millisecond

// scrape is one scrape, from request to response.
type scrape struct {
	*server
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context //nolint:containedctx // a scrape lives as long as its context
	timeout time.Duration
	late    time.Time // when the client gives up

	rendering, refused bool
}

// render waits until the metrics of the scrape may be rendered, and reports whether
// they may. Rendering takes CPU time and some KiB of memory for each organization, so
// the number of scrapes that render concurrently leaves one CPU for everything else.
// None of them polls or waits for its client at that time.
func (s *scrape) render() bool {
	patience := time.NewTimer(max(time.Until(s.late), leastPatience))
	defer patience.Stop()
	select {
	case s.server.rendering <- struct{}{}:
		s.rendering = true
	case <-patience.C:
		s.refused = true
	case <-s.r.Context().Done():
	}
	return s.rendering
}

// expose gathers and encodes the metrics of a scrape, or rejects the scrape if they
// would reach the client too late.
func (s *scrape) expose(reg prometheus.Gatherer) {
	families, err := reg.Gather()
	if s.rendering {
		defer func() { <-s.server.rendering }()
	}
	switch {
	case s.r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the polls were abandoned because the client is gone
	case s.refused:
		http.Error(s.w, "too many concurrent scrapes: this one could not be rendered before its timeout", http.StatusServiceUnavailable)
		return
	}
	r := *s.r
	r.Header = r.Header.Clone()
	// promhttp responds with an error if it cannot parse this header.
	r.Header.Set("Accept-Encoding", "identity")
	if acceptsGzip(s.r.Header["Accept-Encoding"]) {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	gathered := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, err })
	promhttp.HandlerFor(gathered, promhttp.HandlerOpts{
		ErrorLog:          gatherErrors{s.Logger},
		ErrorHandling:     promhttp.ContinueOnError,
		EnableOpenMetrics: true,
	}).ServeHTTP(s.w, &r)
}

// gatherErrors logs the errors of promhttp about inconsistent metrics, which would be
// a bug in the exporter.
type gatherErrors struct{ logger *slog.Logger }

// Println implements promhttp.Logger.
func (g gatherErrors) Println(v ...any) {
	g.logger.Error("Metrics of a scrape could not be exposed", "err", fmt.Sprint(v...))
}
