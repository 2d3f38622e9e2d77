package collector

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
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
		begun, timeout := time.Now(), scrapeTimeout(r.Header.Get(timeoutHeader), offset)
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		f := e.fleet.Load()
		orgs := f.orgs
		for _, name := range r.URL.Query()["collect[]"] {
			if name != "exporter" {
				http.Error(w, "collect[] can only be exporter", http.StatusBadRequest)
				return
			}
			orgs = nil
		}
		extendWriteDeadline(w, timeout)
		round := e.scrape(ctx, orgs, nil)
		own := prometheus.NewRegistry()
		own.MustRegister(newTimeoutGauge(timeout))
		rest := prometheus.Gatherers{own, e.registry}
		for _, m := range f.managers {
			rest = append(rest, m.api.registry)
		}
		e.expose(w, r, begun.Add(timeout+offset), gatherer{round, rest})
	})
}

// Probe returns the handler of /probe, which polls the organization of the
// parameter target alone. With debug=true it tells the story of the poll in text
// instead of metrics.
func (e *Exporter) Probe(offset time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if len(query["target"]) != 1 || query.Get("target") == "" {
			http.Error(w, "give one organization ID: /probe?target=5f1e9c2b8d3a4e0012ab34cd", http.StatusBadRequest)
			return
		}
		org := e.fleet.Load().byID[strings.ToLower(query.Get("target"))]
		if org == nil {
			http.Error(w, "no organization with this ID is configured", http.StatusNotFound)
			return
		}
		begun, timeout := time.Now(), scrapeTimeout(r.Header.Get(timeoutHeader), offset)
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		extendWriteDeadline(w, timeout)
		if query.Get("debug") == "true" {
			e.tellStory(ctx, w, org, timeout)
			return
		}
		round := e.scrape(ctx, []*organization{org}, nil)
		e.expose(w, r, begun.Add(timeout+offset), gatherer{round: round})
	})
}

const (
	// writeTime is how long a client may take to read an answer.
	writeTime = 30 * time.Second
	// leastPatience is how long a scrape waits for others to be rendered, even if
	// --scrape.timeout-offset leaves it no time for that.
	leastPatience = 250 * time.Millisecond
)

// extendWriteDeadline makes room for a scrape, which may take longer than the
// server lets an answer take by default.
func extendWriteDeadline(w http.ResponseWriter, timeout time.Duration) {
	// A writer without deadlines is one of a test.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + writeTime))
}

// expose renders what is known now, and sends it, or refuses to if it comes to it
// too late for the client.
func (e *Exporter) expose(w http.ResponseWriter, r *http.Request, late time.Time, g prometheus.Gatherer) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the polls were given up with the client: this is no answer
	}
	p := e.render(r, late, g)
	extendWriteDeadline(w, 0)
	maps.Copy(w.Header(), p.header)
	w.Header().Set("Content-Length", strconv.Itoa(p.body.Len()))
	w.WriteHeader(p.code)
	_, _ = w.Write(p.body.Bytes()) // fails only when the client has left or does not read
}

// render gathers and encodes. That takes some KiB of memory for each
// organization, so only as many scrapes do it at once as there are CPUs; none of
// them waits for a client meanwhile.
func (e *Exporter) render(r *http.Request, late time.Time, g prometheus.Gatherer) *page {
	p := &page{code: http.StatusOK, header: make(http.Header)}
	patience := time.NewTimer(max(time.Until(late), leastPatience))
	defer patience.Stop()
	select {
	case e.rendering <- struct{}{}:
		defer func() { <-e.rendering }()
	case <-patience.C:
		http.Error(p, "too many scrapes at once: this one could not be rendered before its timeout", http.StatusServiceUnavailable)
		return p
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
	promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorLog:      gatherErrors{e.logger},
		ErrorHandling: promhttp.ContinueOnError,
	}).ServeHTTP(p, r)
	return p
}

// page is an answer that is not sent yet.
type page struct {
	code   int
	header http.Header
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (p *page) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *page) WriteHeader(code int) { p.code = code }

// Write implements http.ResponseWriter.
func (p *page) Write(b []byte) (int, error) { return p.body.Write(b) }

// scrapeTimeout returns how long a scrape may take, given the header in which
// Prometheus announces its timeout. A header that is no positive finite number
// counts as none. The offset never takes more than half.
func scrapeTimeout(header string, offset time.Duration) time.Duration {
	timeout := defaultTimeout
	if s, err := strconv.ParseFloat(header, 64); err == nil && s > 0 {
		if d := time.Duration(min(s, maxTimeout.Seconds()) * float64(time.Second)); d > 0 && !math.IsInf(s, 1) {
			timeout = d
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
