// Package scheduler assigns the slots of one Ops Manager to polls in an order that is
// fair to all organizations.
//
// Each organization has a place in a line. It moves to the end when its answer reaches a
// scrape, or when it has used the time of a whole scrape without an answer. Otherwise it
// keeps its place, so that organizations left out of one scrape are first in the next.
// An organization that uses a whole scrape's time without an answer is late. Late
// organizations are polled after all others, except that in each scrape one of them may
// take a slot first.
package scheduler

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Scheduler holds the slots and the line of one Ops Manager. It outlives configurations
// and is safe for concurrent use. R is the result of a poll.
type Scheduler[R any] struct {
	mu      sync.Mutex
	slots   int
	places  []*Place[R] // configured places
	end     uint64      // rank of the last place in the line
	waiting line[R]     // polls of places that are not late
	late    line[R]     // polls of late places
	running map[*Poll[R]]bool

	lateRunning int           // running polls of late places
	lateTurn    bool          // a late place may be polled first in this scrape
	lateSlots   int           // maximum number of slots for late places
	lateDebt    time.Duration // how much longer late places have held the only slot than others since
	closed      bool
}

// New returns a scheduler without slots or places; see [Scheduler.Configure]. It starts
// no goroutine.
func New[R any]() *Scheduler[R] {
	return &Scheduler[R]{running: make(map[*Poll[R]]bool)}
}

// Configure sets the number of slots, which limits concurrent polls, and the places.
// Polls of other places keep running and count against the slots. Added slots are used
// once a poll ends or a scrape begins.
func (s *Scheduler[R]) Configure(slots int, places []*Place[R]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots, s.places = slots, places
}

// Poll polls places and returns, in their order, the state of each poll once all have
// ended or ctx is done. If a place already has a poll from another scrape, Poll joins it.
// A poll that is running when ctx ends keeps running until its own timeout. A waiting
// poll is dropped if no other scrape wants it.
func (s *Scheduler[R]) Poll(ctx context.Context, wanted []*Poll[R]) []Standing[R] {
	polls, begun := s.join(ctx, wanted)
	// In reverse order: the last polls start last, so most others have ended by then,
	// and this goroutine does not wake up for each poll.
	for _, p := range slices.Backward(polls) {
		select {
		case <-p.done:
		case <-ctx.Done():
		}
	}
	return s.leave(polls, begun, errors.Is(ctx.Err(), context.DeadlineExceeded))
}

// Close cancels running polls and drops waiting ones. No poll starts afterwards.
func (s *Scheduler[R]) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for p := range s.running {
		p.cancel()
	}
	for _, l := range []*line[R]{&s.waiting, &s.late} {
		for _, p := range *l {
			p.Place.poll = nil
			close(p.done)
		}
		*l = nil
	}
}

// Idle reports whether no poll is running or waiting.
func (s *Scheduler[R]) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.running)+len(s.waiting)+len(s.late) == 0
}

// join adds a scrape's polls to the line, or joins existing ones. It returns the polls to
// wait for and the start time of the scrape.
func (s *Scheduler[R]) join(ctx context.Context, wanted []*Poll[R]) ([]*Poll[R], time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	others := 0
	for _, place := range s.places {
		if !place.late {
			others++
		}
	}
	s.lateSlots = s.slots - min(s.slots/2, others)
	s.lateTurn = s.lateRunning == 0 && s.lateDebt == 0

	polls := make([]*Poll[R], len(wanted))
	for i, w := range wanted {
		p := w.Place.poll
		switch {
		case p == nil:
			p = w
			p.done = make(chan struct{})
			s.enqueue(p)
		case p.started.IsZero() && !p.Traced:
			p.Ask, p.Timeout, p.Traced = w.Ask, w.Timeout, w.Traced // settings may have changed
		case w.Joined != nil:
			w.Joined()
		}
		p.waiters++
		polls[i] = p
	}
	// A poll outlives the scrape that started it.
	s.fill(context.WithoutCancel(ctx))
	return polls, time.Now()
}

func (s *Scheduler[R]) enqueue(p *Poll[R]) {
	switch {
	case s.closed:
		close(p.done)
		return
	case p.Place.late:
		heap.Push(&s.late, p)
	default:
		heap.Push(&s.waiting, p)
	}
	p.Place.poll = p
}

// fill starts polls while slots are free.
func (s *Scheduler[R]) fill(ctx context.Context) {
	for len(s.running) < s.slots {
		p := s.next()
		if p == nil {
			return
		}
		pollCtx := s.start(ctx, p)
		go s.work(ctx, pollCtx, p)
	}
}

// work runs a poll, and then further polls in the same slot.
func (s *Scheduler[R]) work(ctx, pollCtx context.Context, p *Poll[R]) {
	for p != nil {
		result, outcome := p.Ask(pollCtx)
		p, pollCtx = s.finish(ctx, p, result, outcome)
	}
}

// next removes the next poll from its line and returns it, or nil if none may start.
func (s *Scheduler[R]) next() *Poll[R] {
	switch {
	case len(s.late) > 0 && s.lateTurn:
		return heap.Pop(&s.late).(*Poll[R])
	case len(s.waiting) > 0:
		return heap.Pop(&s.waiting).(*Poll[R])
	case len(s.late) > 0 && s.lateRunning < s.lateSlots:
		return heap.Pop(&s.late).(*Poll[R])
	}
	return nil
}

func (s *Scheduler[R]) start(ctx context.Context, p *Poll[R]) context.Context {
	ctx, p.cancel = context.WithTimeout(ctx, p.Timeout) //nolint:gosec // finish calls it
	p.started = time.Now()
	s.running[p] = true
	if p.Place.late {
		s.countLate(p)
	}
	return ctx
}

// countLate counts a running poll of a late place.
func (s *Scheduler[R]) countLate(p *Poll[R]) {
	if !p.late {
		p.late = true
		s.lateRunning++
		s.lateTurn = false
	}
}

// finish ends a poll and starts the next one in its slot, if any.
func (s *Scheduler[R]) finish(ctx context.Context, p *Poll[R], result R, outcome Outcome) (*Poll[R], context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.cancel()
	p.result, p.ended = result, time.Now()
	close(p.done)
	delete(s.running, p)
	p.Place.poll = nil
	if p.late {
		s.lateRunning--
	}
	s.account(p)
	s.move(p.Place, outcome, p.waiters > 0)
	if len(s.running) >= s.slots { // slots were removed
		return nil, nil
	}
	next := s.next()
	if next == nil {
		return nil, nil
	}
	pollCtx := s.start(ctx, next)
	s.fill(ctx) // more slots may be free
	return next, pollCtx
}

// account balances the time of late and other places if there is only one slot: late
// places get it again only after the others have had it for as long.
func (s *Scheduler[R]) account(p *Poll[R]) {
	switch took := p.ended.Sub(p.started); {
	case s.slots > 1:
		s.lateDebt = 0
	case p.late:
		s.lateDebt += took
	default:
		s.lateDebt = max(0, s.lateDebt-took)
	}
}

// leave ends a scrape's interest in polls. deadline reports whether its deadline has
// passed, rather than its client disconnected.
func (s *Scheduler[R]) leave(polls []*Poll[R], begun time.Time, deadline bool) []Standing[R] {
	s.mu.Lock()
	defer s.mu.Unlock()
	standings := make([]Standing[R], len(polls))
	for i, p := range polls {
		p.waiters--
		standings[i].Started = p.started
		select {
		case <-p.done:
			// A poll dropped by Close was not started.
			standings[i].Answered = !p.started.IsZero()
			standings[i].Result, standings[i].Ended = p.result, p.ended
			continue
		default:
		}
		switch {
		case p.started.IsZero() && p.waiters == 0:
			p.Place.poll = nil
			if p.Place.late {
				heap.Remove(&s.late, p.index)
			} else {
				heap.Remove(&s.waiting, p.index)
			}
		case deadline && !p.started.IsZero() && !p.started.After(begun) && time.Since(begun) >= p.Timeout/4:
			// It had a whole scrape's time, and the scrape was not very short.
			p.Place.late = true
			s.toEnd(p.Place)
			s.countLate(p)
		}
	}
	return standings
}
