package web

import (
	"context"
	"net/http"
	"time"
)

// limiter limits the number of concurrent requests of all handlers that share it.
type limiter struct {
	slots    chan struct{} // one element per request being handled; nil for no limit
	queue    chan struct{} // one element per request waiting for a slot; nil if none may wait
	patience time.Duration // how long requests wait
	refusal  string        // response body, with status 503, if no slot is free
}

// newLimiter returns a limiter that admits n concurrent requests and rejects the
// others; 0 means no limit.
func newLimiter(n int, refusal string) *limiter {
	l := &limiter{refusal: refusal}
	if n > 0 {
		l.slots = make(chan struct{}, n)
	}
	return l
}

// enter reports whether the request gets a slot, which leave releases.
func (l *limiter) enter(ctx context.Context) bool {
	if l.slots == nil {
		return true
	}
	select {
	case l.slots <- struct{}{}:
		return true
	default:
	}
	select {
	case l.queue <- struct{}{}:
		defer func() { <-l.queue }()
	default:
		return false
	}
	patience := time.NewTimer(l.patience)
	defer patience.Stop()
	select {
	case l.slots <- struct{}{}:
		return true
	case <-patience.C:
	case <-ctx.Done():
	}
	return false
}

func (l *limiter) leave() {
	if l.slots != nil {
		<-l.slots
	}
}

// limit serves what next renders. It holds a slot of the limiter while next runs and
// releases it before the response is sent, so that clients that do not read do not
// block others.
func (s *server) limit(l *limiter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		extendWriteDeadline(w, s.timeout(r.Header.Get(timeoutHeader)))
		if !l.enter(r.Context()) {
			http.Error(w, l.refusal, http.StatusServiceUnavailable)
			return
		}
		p := &page{code: http.StatusOK, header: make(http.Header)}
		func() {
			defer l.leave()
			next.ServeHTTP(p, r)
		}()
		s.backlog.sendPage(w, r, p)
	})
}
