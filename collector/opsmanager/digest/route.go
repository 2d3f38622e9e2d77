package digest

import "sync"

// maxRoutes bounds the keys that a connection remembers.
const maxRoutes = 1000

// Route is a connection, as far as this package is concerned: it may lead to one
// of several issuers. The zero value is a new one.
type Route struct {
	mu   sync.Mutex
	last map[*Session]*nonce
}

// nonce returns the nonce of a key that last worked here, nil if none is known.
func (r *Route) nonce(s *Session) *nonce {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[s]
}

// worked notes that a nonce worked here.
func (r *Route) worked(s *Session, n *nonce) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || len(r.last) >= maxRoutes {
		r.last = make(map[*Session]*nonce)
	}
	r.last[s] = n
}
