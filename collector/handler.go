package collector

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// timeoutHeader is how Prometheus announces its scrape timeout, in seconds.
	timeoutHeader  = "X-Prometheus-Scrape-Timeout-Seconds"
	defaultTimeout = 10 * time.Second // where no Prometheus announces one
	maxTimeout     = time.Hour
)

// Metrics returns the handler of /metrics. Each request polls every configured
// organization; ?collect[]=exporter leaves them out and polls nothing. offset is
// taken off the scrape timeout that Prometheus announces, for rendering and the
// way back.
func (e *Exporter) Metrics(offset time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timeout := scrapeTimeout(r.Header.Get(timeoutHeader), offset)
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		f := e.fleet.Load()
		orgs := f.orgs
		if slices.Contains(r.URL.Query()["collect[]"], "exporter") {
			orgs = nil
		}

		scrape := prometheus.NewRegistry()
		scrape.MustRegister(&Collector{
			timeout: timeout,
			poll:    func() Round { return e.scrape(ctx, orgs) },
		})
		// Gathered in order: first the polls, then what counts their requests.
		gatherers := prometheus.Gatherers{scrape}
		for _, m := range f.managers {
			gatherers = append(gatherers, m.api.registry)
		}
		gatherers = append(gatherers, e.registry)
		promhttp.HandlerFor(gatherers, promhttp.HandlerOpts{
			ErrorLog:      gatherErrors{e.logger},
			ErrorHandling: promhttp.ContinueOnError,
		}).ServeHTTP(w, r)
	})
}

// scrapeTimeout returns how long a scrape may take, given the header in which
// Prometheus announces its timeout. A header that is no positive finite number
// counts as none. The offset never takes more than half.
func scrapeTimeout(header string, offset time.Duration) time.Duration {
	timeout := defaultTimeout
	if s, err := strconv.ParseFloat(header, 64); err == nil && s > 0 {
		switch {
		case s < maxTimeout.Seconds():
			timeout = time.Duration(s * float64(time.Second))
		case !math.IsInf(s, 1):
			timeout = maxTimeout
		}
	}
	return max(timeout-offset, timeout/2)
}

// gatherErrors logs what promhttp has to say about metrics that do not fit
// together, which would be a defect of the exporter.
type gatherErrors struct{ logger *slog.Logger }

// Println implements promhttp.Logger.
func (g gatherErrors) Println(v ...any) {
	g.logger.Error("Metrics could not be exposed", "err", fmt.Sprint(v...))
}
