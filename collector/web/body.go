package web

import (
	"net/http"
	"time"
)

// drainTime is how long the rest of a request is read after the response: long
// enough to avoid a connection reset if the client does send it, and short enough
// not to hold the connection if it does not.
const drainTime = time.Second

// unread responds to requests with a body without reading it first, because no path
// uses one. It rejects them if the method is GET or HEAD, and closes the connection
// in any case. By default, net/http reads the body to the end before it writes the
// first byte of the response, however long the client takes to send it.
func unread(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close") // makes net/http respond first
		// Writers in tests do not support deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime))
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			http.Error(w, "GET and HEAD requests must not have a body: remove Content-Length and Transfer-Encoding", http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
