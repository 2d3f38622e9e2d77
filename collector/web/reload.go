package web

import (
	"fmt"
	"net/http"
)

// sameSite rejects cross-site requests by browsers, which could change state.
func sameSite(next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "cross-site requests are refused", http.StatusForbidden)
	}))
	return p.Handler(next)
}

// reload reloads the configuration, if that is enabled.
func (s *server) reload(w http.ResponseWriter, _ *http.Request) {
	if s.Reload == nil {
		http.Error(w, "reloading through HTTP is disabled: start the exporter with --web.enable-lifecycle, or send it SIGHUP", http.StatusForbidden)
		return
	}
	if err := s.Reload(); err != nil {
		http.Error(w, fmt.Sprintf("the configuration could not be reloaded; the previous one stays in use:\n%v", err), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "Configuration reloaded.")
}
