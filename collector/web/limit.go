package web

import (
	"context"
	"net/http"
	"time"
)

// limiter bounds how many requests are worked on at once, all the handlers that
// it is used for together.
type limiter struct {
	slots    chan struct{} // holds one for each request that is worked on; nil for no limit
	queue    chan struct{} // holds one for each request that waits for a slot; nil if none may
	patience time.Duration // how long it waits
	refusal  string        // what it is told if it gets none, with 503
}

// newLimiter returns a limiter that admits n requests at once and refuses the
// others; 0 means no limit.
func newLimiter(n int, refusal string) *limiter {
	l := &limiter{refusal: refusal}
	if n > 0 {
		l.slots = make(chan struct{}, n)
	}
	return l
}

// enter reports whether a request gets a slot, which leave gives back.
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

// limit serves what next renders. A slot of the limiter is held while next runs,
// and given back before the answer is written: clients that do not read it keep
// nobody else out.
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
