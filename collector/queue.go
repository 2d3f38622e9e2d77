package collector

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// queue gives the polls of one Ops Manager its slots.
//
// An organization has at most one poll at a time, waiting or in flight, and
// every scrape that wants it joins that one. The organization whose last poll
// started longest ago comes first, so that whoever is left out of one scrape is
// first in the next. Organizations whose last poll was not answered in time come
// last, and get no more than every other slot while there are others: polls that
// hang keep their slots beyond the end of their scrape, and the next scrape needs
// the rest. One slot always goes round among them, or they would be
// forgotten where time runs out in every scrape.
type queue struct {
	timeout time.Duration
	ask     func(context.Context, *poll) (opsmanager.Status, error)

	mu          sync.Mutex
	slots       int
	orgs        int // configured organizations
	running     int
	lateRunning int                     // of these, polls of organizations that were late
	polls       map[*organization]*poll // waiting or in flight
	punctual    pollHeap                // waiting
	tardy       pollHeap                // waiting, of organizations that were late
	late        map[*organization]bool
	passedOver  bool // with one slot: a late organization was not reached
	starts      uint64
}

// poll is one reading of one organization. What is not guarded by the queue's
// mutex is written before it starts or before done is closed.
type poll struct {
	org     *organization
	prepare func() error                   // brings the TLS material up to date
	trace   opsmanager.Trace               // nil unless somebody wants the story
	cancel  context.CancelFunc             // of a poll in flight; guarded
	waiters int                            // scrapes that want the answer; guarded
	overdue bool                           // the deadline of one of them has passed; guarded
	tardy   bool                           // in flight, of an organization that is late; guarded
	started time.Time                      // zero while waiting; guarded
	key     func() (config.KeyPair, error) // reads the API key
	done    chan struct{}                  // closed when answered
	ended   time.Time
	status  opsmanager.Status
	err     error
}

func newQueue(slots int, timeout time.Duration, ask func(context.Context, *poll) (opsmanager.Status, error)) *queue {
	return &queue{
		timeout: timeout, ask: ask, slots: slots,
		polls: make(map[*organization]*poll), late: make(map[*organization]bool),
	}
}

// join returns, for each poll that is wanted, the one to wait for: the poll of
// the same organization that waits or is in flight, or the wanted one itself,
// which then gets a slot as soon as it is its turn.
func (q *queue) join(ctx context.Context, wanted []*poll) []*poll {
	q.mu.Lock()
	defer q.mu.Unlock()
	joined := make([]*poll, len(wanted))
	for i, w := range wanted {
		p := q.polls[w.org]
		if p == nil {
			p = w
			q.polls[p.org] = p
			if q.late[p.org] {
				heap.Push(&q.tardy, p)
			} else {
				heap.Push(&q.punctual, p)
			}
		} else if p.started.IsZero() {
			p.prepare, p.key = w.prepare, w.key // files may have changed since
			if w.trace != nil {
				p.trace = w.trace
			}
		}
		p.waiters++
		joined[i] = p
	}
	// A poll outlives the scrape that started it, to its own timeout.
	lifetime := context.WithoutCancel(ctx)
	for q.running < q.slots {
		p := q.next()
		if p == nil {
			break
		}
		pollCtx := q.start(lifetime, p)
		go q.work(lifetime, pollCtx, p)
	}
	return joined
}

// work runs a poll and then, in the same slot, whatever is next.
func (q *queue) work(lifetime, ctx context.Context, p *poll) {
	for p != nil {
		status, err := q.ask(ctx, p)
		p, ctx = q.finish(lifetime, p, status, err)
	}
}

// next takes the poll whose turn it is off the queue, nil if none may start.
func (q *queue) next() *poll {
	others, tardy := len(q.punctual) > 0, len(q.tardy) > 0
	turn := q.lateRunning == 0 && (q.slots > 1 || q.passedOver)
	switch {
	case tardy && (turn || !others && q.lateRunning < q.lateSlots()):
		q.passedOver = false
		return heap.Pop(&q.tardy).(*poll)
	case others:
		return heap.Pop(&q.punctual).(*poll)
	}
	return nil
}

// lateSlots is how many slots the organizations that were late may hold.
func (q *queue) lateSlots() int {
	reserved := min(q.slots/2, q.orgs-len(q.late))
	return max(1, q.slots-max(0, reserved))
}

func (q *queue) start(lifetime context.Context, p *poll) context.Context {
	ctx, cancel := context.WithTimeout(lifetime, q.timeout)
	p.cancel = cancel
	p.started = time.Now()
	p.tardy = q.late[p.org]
	q.starts++
	p.org.started = q.starts
	q.running++
	if p.tardy {
		q.lateRunning++
	}
	return ctx
}

// finish records the answer of p and starts the next poll in its slot.
func (q *queue) finish(lifetime context.Context, p *poll, status opsmanager.Status, err error) (*poll, context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	p.cancel()
	p.status, p.err, p.ended = status, err, time.Now()
	close(p.done)
	delete(q.polls, p.org)
	q.running--
	if p.tardy {
		q.lateRunning--
	}
	if err != nil && opsmanager.ReasonOf(err) == opsmanager.ReasonTimeout || p.overdue && p.waiters == 0 {
		q.late[p.org] = true
	} else {
		delete(q.late, p.org)
	}
	next := q.next()
	if next == nil {
		return nil, nil
	}
	return next, q.start(lifetime, next)
}

// leave ends a scrape's interest in polls; those that nobody wants and that have
// not started are dropped. It returns how each of them stands. deadline says
// that the scrape's time is over, not that its client went away.
func (q *queue) leave(polls []*poll, deadline bool) []standing {
	q.mu.Lock()
	defer q.mu.Unlock()
	stands := make([]standing, len(polls))
	dropped := false
	for i, p := range polls {
		p.waiters--
		select {
		case <-p.done:
			stands[i] = standing{answered: true, started: p.started}
			continue
		default:
		}
		stands[i] = standing{started: p.started}
		switch {
		case p.started.IsZero() && p.waiters == 0:
			delete(q.polls, p.org)
			dropped = true
			q.passedOver = q.passedOver || deadline && q.late[p.org]
		case deadline && !p.started.IsZero() && time.Since(p.started) >= q.timeout/4:
			// One that began just before the deadline is not one that hangs.
			p.overdue = true
			q.late[p.org] = true
			if !p.tardy {
				p.tardy = true
				q.lateRunning++
			}
		}
	}
	if dropped {
		q.punctual.keep(q.polls)
		q.tardy.keep(q.polls)
	}
	return stands
}

// standing is how a poll stands when a scrape leaves it.
type standing struct {
	answered bool
	started  time.Time // zero if it got no slot
}

// retain forgets organizations that are not configured any more.
func (q *queue) retain(configured map[*organization]bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.orgs = len(configured)
	for org := range q.late {
		if !configured[org] {
			delete(q.late, org)
		}
	}
}

// stop cancels the polls in flight.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range q.polls {
		if p.cancel != nil {
			p.cancel()
		}
	}
}

// pollHeap orders waiting polls: the organization that started longest ago first.
type pollHeap []*poll

// keep removes the polls that are not wanted any more.
func (h *pollHeap) keep(wanted map[*organization]*poll) {
	*h = slices.DeleteFunc(*h, func(p *poll) bool { return wanted[p.org] != p })
	heap.Init(h)
}

func (h pollHeap) Len() int { return len(h) }
func (h pollHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].org.started, h[j].org.started), cmp.Compare(h[i].org.index, h[j].org.index)) < 0
}
func (h pollHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *pollHeap) Push(p any)   { *h = append(*h, p.(*poll)) }
func (h *pollHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return last
}
