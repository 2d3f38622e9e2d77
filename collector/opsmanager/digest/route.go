package digest

import "sync"

// maxRoutes limits the number of keys per connection.
const maxRoutes = 1000

// Route represents a connection and remembers which nonces work on it, because it may
// lead to one of several servers. The zero value is ready to use. A Route is safe for
// concurrent use.
type Route struct {
	mu   sync.Mutex
	last map[*Session]*nonce
}

// nonce returns the nonce of a key that last worked on r, or nil.
func (r *Route) nonce(s *Session) *nonce {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[s]
}

// worked records that a nonce worked on r.
func (r *Route) worked(s *Session, n *nonce) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || len(r.last) >= maxRoutes {
		r.last = make(map[*Session]*nonce)
	}
	r.last[s] = n
}
