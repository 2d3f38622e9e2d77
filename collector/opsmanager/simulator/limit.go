package simulator

import (
	"math"
	"strconv"
	"sync"
	"time"
)

// limits counts the requests of each key and account in its current window.
type limits struct {
	mu      sync.Mutex
	windows map[string]window // by public key or client ID
}

type window struct {
	began    time.Time
	requests int
}

// limited counts a request of a key or account. It returns the answer to a request over the limit,
// otherwise nil.
func (s *Server) limited(caller string) Answer {
	limit, now := s.options.Limit, s.options.Now()
	if limit.Requests == 0 {
		return nil
	}
	l := &s.shared.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.windows[caller]
	if now.Sub(w.began) >= limit.Window {
		w = window{began: now}
	}
	w.requests++
	l.windows[caller] = w
	switch left := limit.Window - now.Sub(w.began); {
	case w.requests <= limit.Requests:
		return nil
	case limit.RetryAfter:
		return RateLimited(strconv.Itoa(int(math.Ceil(left.Seconds()))))
	default:
		return RateLimited("")
	}
}
