package collector

import (
	"fmt"
	"net/http"
)

// Reloader returns the handler of /-/reload, which calls reload, or refuses to
// if it is not enabled.
func (e *Exporter) Reloader(enabled bool, reload func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !enabled {
			http.Error(w, "reloading over HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
			return
		}
		if err := reload(); err != nil {
			http.Error(w, fmt.Sprintf("the configuration in use stays:\n%v", err), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "The configuration was loaded.")
	})
}

// Guard puts the headers on every answer that keep a browser from doing anything
// with it but show it. A page that needs more sets its own.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
