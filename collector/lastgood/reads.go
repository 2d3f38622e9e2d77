package lastgood

import (
	"errors"
	"sync/atomic"
	"time"
)

// Reads bounds how many reads of the values that share it are under way at once,
// stuck ones included, so that they leave the threads that may wait for file
// systems to others. It may be used concurrently.
type Reads struct {
	slots      chan struct{}
	stuckReads atomic.Int64
}

var errBusy = errors.New("too many file reads are stuck: check that the file system responds")

// NewReads returns a bound of n reads.
func NewReads(n int) *Reads { return &Reads{slots: make(chan struct{}, n)} }

// acquire waits for a slot until timeout, and not at all if every slot is held
// by a read that is stuck.
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
