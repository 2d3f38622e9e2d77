package scheduler

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector/testkit/ci"
)

// world is one case of the grid: some organizations are refused in every poll, some hang,
// and all others answer after the same time.
type world struct {
	slots, orgs int
	refused     int           // number of organizations
	hung        int           // percentage of organizations
	takes       time.Duration // time to answer
	timeout     time.Duration // of a poll
	pause       time.Duration // between scrapes
}

const gridDeadline = 2500 * time.Millisecond

func (w world) String() string {
	return fmt.Sprintf("%d slots, %d organizations of which %d are refused and %d %% hang, answers in %s, timeout %s, %s between scrapes",
		w.slots, w.orgs, w.refused, w.hung, w.takes, w.timeout, w.pause)
}

func (w world) hangs(i int) bool { return i >= w.refused && i*w.hung%100 < w.hung }

// ask polls organization i. Its result is i+1.
func (w world) ask(ctx context.Context, i int) (int, Outcome) {
	takes, outcome := w.takes, Answered
	if i < w.refused {
		takes, outcome = 10*time.Millisecond, Refused
	} else if w.hangs(i) {
		takes = time.Hour
	}
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
		return i + 1, outcome
	case <-ctx.Done():
		return 0, TimedOut
	}
}

// longestGap runs scrapes in virtual time and returns the maximum number of consecutive
// scrapes without an answer from an organization that answers in time.
func (w world) longestGap(t *testing.T, scrapes int) (gap int) {
	synctest.Test(t, func(t *testing.T) {
		s := New[int]()
		places := make([]*Place[int], w.orgs)
		for i := range places {
			places[i] = s.NewPlace(nil)
		}
		s.Configure(w.slots, places)
		lastRead := make([]int, w.orgs)
		for scrape := 1; scrape <= scrapes; scrape++ {
			ctx, cancel := context.WithTimeout(t.Context(), gridDeadline)
			polls := make([]*Poll[int], w.orgs)
			for i := range polls {
				polls[i] = &Poll[int]{Place: places[i], Timeout: w.timeout, Ask: func(ctx context.Context) (int, Outcome) { return w.ask(ctx, i) }}
			}
			begun := time.Now()
			for i, standing := range s.Poll(ctx, polls) {
				switch {
				case i < w.refused || w.hangs(i):
					continue
				case standing.Result == i+1:
					lastRead[i] = scrape
				case standing.Result != 0:
					t.Fatalf("%s: organization %d got the result of %d", w, i, standing.Result-1)
				}
				gap = max(gap, scrape-lastRead[i])
			}
			if took := time.Since(begun); took > gridDeadline {
				t.Fatalf("%s: a scrape took %s", w, took)
			}
			cancel()
			time.Sleep(w.pause)
		}
		s.Close()
		synctest.Wait()
		if !s.Idle() {
			t.Errorf("%s: something is left behind", w)
		}
	})
	return gap
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func grid() (all []world) {
	for _, slots := range []int{1, 2, 4, 8} {
		for _, orgs := range []int{3, 8, 24, 50} {
			for _, takes := range []int{300, 600, 1000, 1700, 2400} {
				for _, pause := range []int{100, 1200, 2500, 5000} {
					for _, hung := range []int{0, 10, 30} {
						for _, timeout := range []int{2, 5} {
							for _, refused := range []int{0, 2} {
								all = append(all, world{
									slots: slots, orgs: orgs, refused: refused, hung: hung,
									takes: milliseconds(takes), timeout: milliseconds(1000 * timeout), pause: milliseconds(pause),
								})
							}
						}
					}
				}
			}
		}
	}
	return all
}

// Whatever the others do, an organization that answers in time is read regularly, and not
// much less often than with perfectly shared slots.
func TestGrid(t *testing.T) {
	t.Parallel()
	ran, worst := 0, 0.0
	oneIn := ci.Amount(25, 1, 1)
	for i, w := range grid() {
		if i%oneIn != 0 || w.takes >= w.timeout {
			continue
		}
		ran++
		perScrape := w.slots * int(gridDeadline/w.takes)
		perfect := (w.orgs + perScrape - 1) / perScrape
		bound := 7*perfect + 3
		gap := w.longestGap(t, max(120, 2*bound))
		worst = max(worst, float64(gap)/float64(perfect))
		if gap > bound {
			t.Errorf("%s: %d scrapes without an answer, %d would do", w, gap, perfect)
		}
	}
	t.Logf("%d cases; the longest gap was %.1f times the shortest possible", ran, worst)
}
