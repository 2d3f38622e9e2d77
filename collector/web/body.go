package web

import (
	"net/http"
	"time"
)

// drainTime is how long the rest of a request is read for after its answer: one
// that the client sends is not worth a reset, and one that never comes is not
// worth a connection.
const drainTime = time.Second

// unread answers requests with a body before anything of the body is read: no
// path wants one. GET and HEAD are refused, and every such request is the last
// of its connection. net/http by itself reads a body to its end before it writes
// the first byte of the answer, for as long as the client takes to send it.
func unread(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close") // net/http answers first then
		// A writer of a test has no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime))
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			http.Error(w, "GET and HEAD requests must not have a body: remove Content-Length and Transfer-Encoding", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
