package lastgood

import (
	"errors"
	"sync/atomic"
	"time"
)

// Reads bounds how many reads are under way at once, stuck ones included: each
// that a file system does not answer holds a thread of the operating system. It
// may be used concurrently.
type Reads struct {
	slots      chan struct{}
	parent     *Reads // bounds this one and others together; nil for none
	stuckReads atomic.Int64
}

var errBusy = errors.New("too many file reads are stuck: check whether the file system answers")

// NewReads returns a bound of n reads, which count for parent as well, unless
// it is nil.
func NewReads(n int, parent *Reads) *Reads {
	return &Reads{slots: make(chan struct{}, n), parent: parent}
}

// acquire waits for a slot until timeout, and not at all if every slot is held
// by a read that is stuck.
func (r *Reads) acquire(timeout <-chan time.Time) error {
	if r == nil {
		return nil
	}
	select {
	case r.slots <- struct{}{}:
	default:
		if r.stuckReads.Load() >= int64(cap(r.slots)) {
			return errBusy
		}
		select {
		case r.slots <- struct{}{}:
		case <-timeout:
			return errBusy
		}
	}
	if err := r.parent.acquire(timeout); err != nil {
		<-r.slots
		return err
	}
	return nil
}

func (r *Reads) release() {
	if r != nil {
		<-r.slots
		r.parent.release()
	}
}

func (r *Reads) stuck(n int64) {
	if r != nil {
		r.stuckReads.Add(n)
		r.parent.stuck(n)
	}
}
