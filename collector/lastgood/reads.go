package lastgood

import (
	"errors"
	"sync/atomic"
	"time"
)

// Reads limits the number of concurrent reads, including stuck ones, of the values that
// share it, because each may block a thread. It is safe for concurrent use.
type Reads struct {
	slots      chan struct{}
	stuckReads atomic.Int64
}

var errBusy = errors.New("too many file reads are stuck: check that the file system responds")

// NewReads returns a limit of n reads.
func NewReads(n int) *Reads { return &Reads{slots: make(chan struct{}, n)} }

// acquire waits for a slot until timeout. It fails at once if every slot is held by a
// stuck read.
func (r *Reads) acquire(timeout <-chan time.Time) error {
	select {
	case r.slots <- struct{}{}:
		return nil
	default:
	}
	if r.stuckReads.Load() >= int64(cap(r.slots)) {
		return errBusy
	}
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-timeout:
		return errBusy
	}
}

func (r *Reads) release() { <-r.slots }
