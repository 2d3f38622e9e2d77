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

// leastPatience is how long a scrape waits for others to be rendered, even if
// --scrape.timeout-offset leaves it no time for that.
const leastPatience = 250 * time.Millisecond

// scrape is one scrape on its way from request to answer.
type scrape struct {
	*server
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context //nolint:containedctx // a scrape lives as long as its context
	timeout time.Duration
	late    time.Time // from then on the client has given up

	rendering, refused bool
}

// render waits until the metrics of the scrape may be rendered, and reports
// whether they may. That takes CPU and some KiB of memory for each organization, so
// only as many scrapes do it at once as leave a CPU for everything else; none of
// them polls or waits for its client meanwhile.
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

// expose gathers and encodes the metrics of a scrape, or refuses to if they would
// reach the client too late.
func (s *scrape) expose(reg prometheus.Gatherer) {
	families, err := reg.Gather()
	if s.rendering {
		defer func() { <-s.server.rendering }()
	}
	switch {
	case s.r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the polls were given up with the client: this is no answer
	case s.refused:
		http.Error(s.w, "too many concurrent scrapes: this one could not be rendered before its timeout", http.StatusServiceUnavailable)
		return
	}
	r := *s.r
	r.Header = r.Header.Clone()
	// What promhttp cannot make out in this header it reports as an error.
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

// gatherErrors logs what promhttp has to say about metrics that do not fit
// together, which would be a defect of the exporter.
type gatherErrors struct{ logger *slog.Logger }

// Println implements promhttp.Logger.
func (g gatherErrors) Println(v ...any) {
	g.logger.Error("Metrics of a scrape could not be exposed", "err", fmt.Sprint(v...))
}
