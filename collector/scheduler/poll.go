package scheduler

import (
	"context"
	"time"
)

// Outcome is how a poll ended, as far as the order of the next polls depends on
// it.
type Outcome int

// The outcomes of a poll.
const (
	Answered Outcome = iota // with any answer, an error included
	TimedOut                // its timeout passed without one
	Refused                 // by a rate limit: it may be tried again soon
)

// Poll is one reading of one organization, for all the scrapes that want it.
// What is exported is set before [Scheduler.Poll] and not modified afterwards.
type Poll[R any] struct {
	Place   *Place[R]
	Timeout time.Duration
	// Ask reads the organization. Its context ends after Timeout, not with the
	// scrape.
	Ask func(context.Context) (R, Outcome)
	// Joined, if not nil, is called when the place already has a poll that is
	// awaited instead. It must not block.
	Joined func()
	// Traced says that Ask must not be replaced by that of a later scrape while
	// the poll is waiting.
	Traced bool

	waiters int // scrapes that want the answer
	late    bool
	index   int       // in its line
	started time.Time // zero while it waits
	cancel  context.CancelFunc
	done    chan struct{} // closed when it ended; guards the rest
	ended   time.Time
	result  R
}

// Standing is the state of a poll at the end of a scrape.
type Standing[R any] struct {
	Result   R // zero unless Answered
	Answered bool
	Started  time.Time // zero if no slot came free
	Ended    time.Time // zero unless Answered
}
