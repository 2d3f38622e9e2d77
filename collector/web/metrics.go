package web

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"opsmanager_exporter/collector"
)

// metrics polls every configured organization and serves all metrics. With
// ?collect[]=exporter, it excludes the organizations and does not poll.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	sc, cancel := s.newScrape(w, r)
	defer cancel()
	targets := s.Exporter.Targets()
	reg := prometheus.NewRegistry()
	reg.MustRegister(timeoutGauge(sc.timeout))
	polls := true
	for _, name := range r.URL.Query()["collect[]"] {
		if name != "exporter" {
			http.Error(w, "the only valid value of collect[] is exporter", http.StatusBadRequest)
			return
		}
		polls = false
	}
	if polls {
		reg.MustRegister(targets.Collector(sc.ctx, collector.Options{Then: targets.Metrics(), BeforeSend: sc.render})) //nolint:contextcheck // derived from the request
	} else {
		reg.MustRegister(targets.Metrics())
	}
	sc.expose(reg)
}

// probe polls the organization in the target parameter and serves only its metrics.
// With debug=true, it serves the steps of the poll as text instead.
func (s *server) probe(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if len(query["target"]) != 1 || query.Get("target") == "" {
		http.Error(w, "target must be one organization ID: /probe?target=5f1e9c2b8d3a4e0012ab34cd", http.StatusBadRequest)
		return
	}
	target, ok := s.Exporter.Targets().Only(query.Get("target"))
	if !ok {
		http.Error(w, "no organization with this ID is configured", http.StatusNotFound)
		return
	}
	sc, cancel := s.newScrape(w, r)
	defer cancel()
	if query.Get("debug") == "true" {
		debug(sc, target)
		return
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(target.Collector(sc.ctx, collector.Options{BeforeSend: sc.render})) //nolint:contextcheck // derived from the request
	sc.expose(reg)
}

// newScrape returns a scrape whose timeout starts now.
func (s *server) newScrape(w http.ResponseWriter, r *http.Request) (*scrape, context.CancelFunc) {
	timeout := s.timeout(r.Header.Get(timeoutHeader))
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	return &scrape{
		server: s, w: w, r: r, ctx: ctx, timeout: timeout,
		late: time.Now().Add(timeout + s.TimeoutOffset),
	}, cancel
}

// timeoutGauge exposes the timeout of one scrape.
func timeoutGauge(timeout time.Duration) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "opsmanager_exporter_scrape_timeout_seconds",
		Help: "Deadline of this scrape, in seconds.",
	}, timeout.Seconds)
}
