package digest

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"
)

// unsaidMemory is how long an origin is known to refuse nonces of another back
// end without calling them stale.
const unsaidMemory = 10 * time.Minute

// origin is one Ops Manager, which may be several servers behind a balancer that
// do not know each other's nonces. What is learned of that is kept here.
type origin struct {
	sessions map[[sha256.Size]byte]*Session // guarded by Sessions.mu

	// several says that connections may lead to servers with nonces of their own.
	several atomic.Bool

	mu      sync.Mutex
	issued  uint64    // nonces so far
	lost    uint64    // nonces up to this one are known to be
	refused time.Time // when a young nonce was last refused
	unsaid  time.Time // when one was last refused that was not called stale
}

// count returns the number of a nonce that was just issued.
func (o *origin) count() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.issued++
	return o.issued
}

// refuse notes that a nonce was refused which was young, although the key is good;
// said tells whether it was called stale. Once, that is a server that restarts, and
// all nonces before the next one, which it issued then, are lost. If a later one is
// refused too, it met a server that did not issue it.
func (o *origin) refuse(n, next *nonce, said bool, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !said {
		o.unsaid = now
	}
	if n.number <= o.lost {
		return
	}
	if !o.refused.IsZero() && now.Sub(o.refused).Abs() < nonceLifetime {
		o.several.Store(true)
	}
	o.lost, o.refused = next.number-1, now
}

// keepsQuiet tells whether a server was lately seen to refuse another one's nonce
// without calling it stale.
func (o *origin) keepsQuiet(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.unsaid.IsZero() && now.Sub(o.unsaid).Abs() < unsaidMemory
}
