package web

import (
	"encoding/json"
	"net"
	"net/http"
	"path"
)

// targetGroup is one entry of Prometheus' HTTP service discovery (Prometheus
// documentation, "HTTP SD").
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// sd serves a /probe target for each configured organization, at the host that
// the request names, or at the external URL. It polls nothing.
func (s *server) sd(w http.ResponseWriter, r *http.Request) {
	scheme, host, probe := "http", r.Host, ProbePath
	if r.TLS != nil {
		scheme = "https"
	}
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && host == "" {
		host = addr.String() // HTTP/1.0 names no host
	}
	if u := s.ExternalURL; u != nil {
		scheme, host, probe = u.Scheme, u.Host, path.Join("/", u.Path, probe)
	}
	groups := []targetGroup{}
	for _, org := range s.Exporter.Targets().Orgs() {
		groups = append(groups, targetGroup{
			Targets: []string{host},
			Labels: map[string]string{
				"__scheme__":                    scheme,
				"__metrics_path__":              probe,
				"__param_target":                org.ID,
				"instance":                      org.ID,
				"__meta_opsmanager_org_name":    org.Name,
				"__meta_opsmanager_ops_manager": org.OpsManager,
			},
		})
	}
	body, err := json.Marshal(groups)
	if err != nil {
		s.Logger.Error("Targets could not be listed", "err", err)
		http.Error(w, "the targets could not be listed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that left
}
