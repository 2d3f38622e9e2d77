package scheduler

// maxRefusals is how many scrapes in a row a place is kept that is refused each
// time: one that always is must not block the others.
const maxRefusals = 3

// Place is the place of one organization in the line. It belongs to the
// scheduler that returned it.
type Place struct {
	rank    uint64 // lower ranks come first; guarded, like the rest, by the scheduler
	late    bool
	refused int // scrapes in a row
}

// NewPlace returns a place for an organization: the one that before has, if it
// replaces that, or the end of the line if before is nil. The two have a poll
// each, so that no scrape joins one that was started for the other.
func (s *Scheduler[R]) NewPlace(before *Place) *Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before != nil {
		successor := *before
		return &successor
	}
	s.end++
	return &Place{rank: s.end}
}

// move moves a place as its poll ended; reached says that a scrape waited for
// the answer.
func (s *Scheduler[R]) move(place *Place, outcome Outcome, reached bool) {
	switch {
	case outcome == TimedOut: // it had all the time that a poll may have
		place.late = true
	case !reached:
		return
	case outcome == Refused && place.refused < maxRefusals:
		place.late = false
		place.refused++
		return
	default:
		place.late = false
	}
	place.refused = 0
	s.toEnd(place)
}

func (s *Scheduler[R]) toEnd(place *Place) {
	s.end++
	place.rank = s.end
}
