package scheduler

// maxRefusals is the number of consecutive scrapes in which a refused organization
// keeps its place. An organization that is always refused must not block the others.
const maxRefusals = 3

// Place is the place of one organization in the line. It belongs to the scheduler that
// returned it.
type Place[R any] struct {
	rank    uint64 // lower ranks come first; guarded, like all fields, by the scheduler
	late    bool
	refused int      // consecutive refused scrapes
	poll    *Poll[R] // the only poll of the place, waiting or running; nil for none
}

// NewPlace returns a new place at the end of the line, or in the position of before if
// that is not nil. The two places do not share polls, so that no scrape joins a poll that
// was started for the other.
func (s *Scheduler[R]) NewPlace(before *Place[R]) *Place[R] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before != nil {
		return &Place[R]{rank: before.rank, late: before.late, refused: before.refused}
	}
	s.end++
	return &Place[R]{rank: s.end}
}

// move updates a place after its poll. reached reports whether a scrape was
// waiting for the answer.
func (s *Scheduler[R]) move(place *Place[R], outcome Outcome, reached bool) {
	switch {
	case outcome == TimedOut: // the poll had its full time
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

func (s *Scheduler[R]) toEnd(place *Place[R]) {
	s.end++
	place.rank = s.end
}
