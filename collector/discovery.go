package collector

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"path"
)

// targetGroup is one entry of Prometheus' HTTP service discovery (Prometheus
// documentation, "HTTP SD").
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// Discovery returns the handler of /sd: a /probe target for each configured
// organization, at the host that the request names, or at external where users
// reach the exporter elsewhere; nil where they do not. It polls nothing.
func (e *Exporter) Discovery(external *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, host, probe := "http", r.Host, "/probe"
		if r.TLS != nil {
			scheme = "https"
		}
		if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && host == "" {
			host = addr.String() // HTTP/1.0 names no host
		}
		if external != nil {
			scheme, host, probe = external.Scheme, external.Host, path.Join("/", external.Path, probe)
		}
		groups := []targetGroup{}
		for _, org := range e.fleet.Load().orgs {
			groups = append(groups, targetGroup{
				Targets: []string{host},
				Labels: map[string]string{
					"__scheme__":                    scheme,
					"__metrics_path__":              probe,
					"__param_target":                org.config.ID,
					"instance":                      org.config.ID,
					"__meta_opsmanager_org_name":    org.name,
					"__meta_opsmanager_ops_manager": org.manager.settings.Name,
				},
			})
		}
		body, err := json.Marshal(groups)
		if err != nil {
			e.logger.Error("Targets cannot be listed", "err", err)
			http.Error(w, "the targets cannot be listed", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // a client that left
	})
}
