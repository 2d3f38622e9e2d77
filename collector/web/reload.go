package web

import (
	"fmt"
	"net/http"
)

// reload reads the configuration again, or refuses to if that is not enabled.
func (s *server) reload(w http.ResponseWriter, _ *http.Request) {
	if s.Reload == nil {
		http.Error(w, "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
		return
	}
	if err := s.Reload(); err != nil {
		http.Error(w, fmt.Sprintf("the configuration in use stays:\n%v", err), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "The configuration was loaded.")
}
