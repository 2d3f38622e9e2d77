package collector

import "net/http"

// Limit lets at most n requests into next at once and answers the others with
// 503; 0 means no limit.
func Limit(n int, next http.Handler) http.Handler {
	if n == 0 {
		return next
	}
	slots := make(chan struct{}, n)
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
