package web

import "net/http"

// limiter returns middleware that admits at most n requests at once to all the
// handlers that it wraps together, and answers the others with 503; 0 means no
// limit.
func limiter(n int) func(http.Handler) http.Handler {
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
