package scheduler

import (
	"context"
	"time"
)

// Outcome is how a poll ended, as far as it matters for the order of later polls.
type Outcome int

// The outcomes of a poll.
const (
	Answered Outcome = iota // with any answer, including an error
	TimedOut                // without an answer within its timeout
	Refused                 // by a rate limit; may be retried soon
)

// Poll is one poll of one organization, for all scrapes that want it. Exported fields
// must be set before [Scheduler.Poll] and not be modified afterwards.
type Poll[R any] struct {
	Place   *Place[R]
	Timeout time.Duration
	// Ask polls the organization. Its context ends after Timeout, not with the scrape.
	Ask func(context.Context) (R, Outcome)
	// Joined, if not nil, is called if the scrape waits for an existing poll of the
	// place instead. It must not block.
	Joined func()
	// Traced prevents a later scrape from replacing Ask while the poll is waiting.
	Traced bool

	waiters int // scrapes that want the answer
	late    bool
	index   int       // in its line
	started time.Time // zero while waiting
	cancel  context.CancelFunc
	done    chan struct{} // closed when the poll has ended; guards the fields below
	ended   time.Time
	result  R
}

// Standing is the state of a poll at the end of a scrape.
type Standing[R any] struct {
	Result   R // zero unless Answered
	Answered bool
	Started  time.Time // zero if no slot became free
	Ended    time.Time // zero unless Answered
}
