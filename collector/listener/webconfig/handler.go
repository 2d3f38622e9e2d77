package webconfig

import (
	"net/http"
)

// Handler returns a handler that passes the requests that the file allows to next.
func (f *File) Handler(next http.Handler) http.Handler {
	if f == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := f.current()
		switch {
		case c.err != nil:
			http.Error(w, "the web configuration cannot be used: see the log", http.StatusInternalServerError)
			return
		case c.limiter != nil && !c.limiter.Allow():
			http.Error(w, http.StatusText(http.StatusTooManyRequests), http.StatusTooManyRequests)
			return
		}
		for name, value := range c.web.HTTPConfig.Header {
			w.Header().Set(name, value)
		}
		if len(c.web.Users) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		user, password, given := r.BasicAuth()
		if !given || !f.passwords.match(user, string(c.web.Users[user]), password) {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
