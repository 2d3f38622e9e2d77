package collector

import "net/http"

// Limiter returns what lets at most n requests at once into all the handlers
// that it is given together, and answers the others with 503; 0 means no limit.
func Limiter(n int) func(http.Handler) http.Handler {
	if n == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	slots := make(chan struct{}, n)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
				next.ServeHTTP(w, r)
			default:
				http.Error(w, "too many scrapes in flight: try again later, or raise --web.max-requests", http.StatusServiceUnavailable)
			}
		})
	}
}
