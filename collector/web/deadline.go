package web

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

const (
	// timeoutHeader is how Prometheus announces its scrape timeout, in seconds.
	timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"
	// minTimeout is the shortest timeout that is taken seriously: within less
	// nothing can be polled, and everything would be shown as failed.
	minTimeout = 100 * time.Millisecond
	maxTimeout = time.Hour
	// writeTime is how long a client may take to read an answer.
	writeTime = 30 * time.Second
)

// timeout returns how long a scrape may take, given the header in which
// Prometheus announces its timeout. A header that is no finite number of at
// least 0.1 counts as none. The offset never takes more than half.
func (s *server) timeout(header string) time.Duration {
	timeout := s.DefaultTimeout
	if sec, err := strconv.ParseFloat(header, 64); err == nil && sec >= minTimeout.Seconds() && !math.IsInf(sec, 1) {
		timeout = time.Duration(min(sec, maxTimeout.Seconds()) * float64(time.Second))
	}
	return max(timeout-s.TimeoutOffset, timeout/2)
}

// extendWriteDeadline makes room for a scrape, which may take longer than the
// server lets an answer take by default.
func extendWriteDeadline(w http.ResponseWriter, timeout time.Duration) {
	// A writer without deadlines is one of a test.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + writeTime))
}
