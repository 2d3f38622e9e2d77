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
	// minTimeout is the shortest timeout that is not ignored: with a shorter one,
	// every poll would fail.
	minTimeout = 100 * time.Millisecond
	maxTimeout = time.Hour
	// writeTime is how long a client may take to read a response.
	writeTime = 30 * time.Second
)

// timeout returns how long a scrape may take, given the header in which Prometheus
// announces its timeout. A header that is not a finite number of at least 0.1 is
// ignored. The offset never takes more than half of the timeout.
func (s *server) timeout(header string) time.Duration {
	timeout := s.DefaultTimeout
	if sec, err := strconv.ParseFloat(header, 64); err == nil && sec >= minTimeout.Seconds() && !math.IsInf(sec, 1) {
		timeout = time.Duration(min(sec, maxTimeout.Seconds()) * float64(time.Second))
	}
	return max(timeout-s.TimeoutOffset, timeout/2)
}

// extendWriteDeadline extends the write deadline for a scrape, which may take longer
// than the default write timeout of the server.
func extendWriteDeadline(w http.ResponseWriter, timeout time.Duration) {
	// Writers in tests do not support deadlines.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(timeout + writeTime))
}
