package digest

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"
)

// unsaidMemory is how long an origin is remembered to refuse nonces of another back
// end without stale=true.
const unsaidMemory = 10 * time.Minute

// origin is one Ops Manager. It may be several servers behind a load balancer that do
// not share nonces; origin holds what is known about that.
type origin struct {
	sessions map[[sha256.Size]byte]*Session // guarded by Sessions.mu

	// several means that connections may lead to servers that do not share nonces.
	several atomic.Bool

	mu      sync.Mutex
	issued  uint64    // nonces so far
	lost    uint64    // nonces up to this number are invalid
	refused time.Time // when a young nonce was last refused
	unsaid  time.Time // when one was last refused without stale=true
}

// count returns the sequence number of a newly issued nonce.
func (o *origin) count() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.issued++
	return o.issued
}

// refuse records that a nonce was refused although the key is valid; said reports
// whether with stale=true. The first time this indicates a restart of the server, so
// all nonces before next, which it issued afterwards, are lost. If a later nonce is
// refused too, it was sent to a server that did not issue it.
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

// keepsQuiet reports whether a server has recently refused another server's nonce
// without stale=true.
func (o *origin) keepsQuiet(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.unsaid.IsZero() && now.Sub(o.unsaid).Abs() < unsaidMemory
}
