package scheduler

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const timeout = 5 * time.Second

// fixture is a scheduler whose organizations answer in virtual time.
type fixture struct {
	*Scheduler[int]
	places []*Place[int]
	order  []int // organizations in the order in which they were polled
	// takes and outcome are the time to answer and the outcome of an organization; the
	// default is an answer after a second.
	takes   map[int]time.Duration
	outcome map[int]Outcome
	running atomic.Int64
	most    atomic.Int64 // maximum number of concurrent polls
}

func run(t *testing.T, slots, places int, test func(*testing.T, *fixture)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{Scheduler: New[int](), takes: map[int]time.Duration{}, outcome: map[int]Outcome{}}
		for range places {
			f.places = append(f.places, f.NewPlace(nil))
		}
		f.Configure(slots, f.places)
		test(t, f)
		f.Close()
		synctest.Wait()
		if !f.Idle() {
			t.Error("something is left behind")
		}
	})
}

func (f *fixture) poll(i int, timeout time.Duration) *Poll[int] {
	return &Poll[int]{Place: f.places[i], Timeout: timeout, Ask: func(ctx context.Context) (int, Outcome) {
		f.most.Store(max(f.most.Load(), f.running.Add(1)))
		defer f.running.Add(-1)
		f.mu.Lock()
		f.order = append(f.order, i)
		takes, ok := f.takes[i]
		f.mu.Unlock()
		if !ok {
			takes = time.Second
		}
		select {
		case <-time.After(takes):
			return i + 1, f.outcome[i]
		case <-ctx.Done():
			return 0, TimedOut
		}
	}}
}

// scrape polls all places. It returns those that answered, and those polled in order.
func (f *fixture) scrape(t *testing.T, deadline time.Duration) (answered, asked []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	f.mu.Lock()
	before := len(f.order)
	f.mu.Unlock()
	polls := make([]*Poll[int], len(f.places))
	for i := range polls {
		polls[i] = f.poll(i, timeout)
	}
	for i, s := range f.Poll(ctx, polls) {
		if s.Answered && s.Result == i+1 {
			answered = append(answered, i)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return answered, slices.Clone(f.order[before:])
}

func expect(t *testing.T, what string, got []int, want ...int) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// An organization that is left out of a scrape, or whose answer arrives after it, is first
// in the next one.
func TestLeftOutComesFirst(t *testing.T) {
	run(t, 1, 5, func(t *testing.T, f *fixture) {
		answered, _ := f.scrape(t, 2500*time.Millisecond)
		expect(t, "first scrape", answered, 0, 1)
		time.Sleep(time.Second) // the answer of 2 arrives while no scrape waits
		_, asked := f.scrape(t, 2500*time.Millisecond)
		expect(t, "second scrape", asked, 2, 3, 4)
	})
}

// An organization that reaches its timeout within a scrape is late, and is polled after the
// others in the next one; late organizations still take turns in one slot. Once it answers
// in time it is no longer late.
func TestLate(t *testing.T) {
	run(t, 2, 6, func(t *testing.T, f *fixture) {
		f.takes[0], f.takes[2], f.takes[4] = time.Hour, time.Hour, time.Hour
		f.takes[1] = 300 * time.Millisecond // so that no two polls end at the same time
		f.scrape(t, 20*time.Second)
		_, asked := f.scrape(t, 20*time.Second)
		slices.Sort(asked[:2]) // polled at the same time
		expect(t, "one of the late, the others, the rest of the late", asked, 0, 1, 3, 5, 2, 4)

		clear(f.takes)
		answered, asked := f.scrape(t, 2500*time.Millisecond)
		slices.Sort(asked[:2])
		slices.Sort(asked[2:4])
		expect(t, "after the recovery", asked, 0, 1, 3, 5, 2)
		expect(t, "answers after the recovery", answered, 0, 1, 3, 5)
		if f.places[0].late || !f.places[2].late {
			t.Errorf("late: %t, %t, want the one that did not answer in time", f.places[0].late, f.places[2].late)
		}
	})
}

// A poll cut off by the end of a scrape does not make its organization late unless it had a
// whole scrape's time, and at least a quarter of its timeout.
func TestLateNeedsWholeScrape(t *testing.T) {
	tests := []struct {
		name     string
		before   time.Duration // how long the slot is taken at first
		deadline time.Duration
		want     bool
	}{
		{"a whole scrape", 0, 2 * time.Second, true},
		{"most of a scrape", 100 * time.Millisecond, 2 * time.Second, false},
		{"a very short scrape", 0, time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, 1, 2, func(t *testing.T, f *fixture) {
				f.takes[0], f.takes[1] = tt.before, 4*time.Second
				f.scrape(t, tt.deadline)
				if got := f.places[1].late; got != tt.want {
					t.Errorf("late %t, want %t", got, tt.want)
				}
			})
		})
	}
}

// Hanging polls leave half of the slots to the others in the next scrape.
func TestLateHoldHalfOfTheSlots(t *testing.T) {
	run(t, 4, 20, func(t *testing.T, f *fixture) {
		for i := range 10 {
			f.takes[i] = time.Hour
		}
		for range 4 { // each was polled once
			f.scrape(t, 7*time.Second)
		}
		for range 5 {
			answered, _ := f.scrape(t, 7*time.Second)
			if len(answered) != 10 {
				t.Errorf("%d of 10 answered", len(answered))
			}
		}
	})
}

// If all organizations are late, they get all slots. If there is not enough time for all,
// they take turns.
func TestAllLate(t *testing.T) {
	run(t, 4, 12, func(t *testing.T, f *fixture) {
		for i := range f.places {
			f.takes[i] = time.Hour
		}
		f.scrape(t, 20*time.Second)
		f.most.Store(0)
		_, first := f.scrape(t, 7*time.Second) // 8 of them
		if got := f.most.Load(); got != 4 {
			t.Errorf("%d polls at once with 4 slots", got)
		}
		time.Sleep(timeout)
		_, second := f.scrape(t, 7*time.Second)
		slices.Sort(second[:4])
		slices.Sort(first)
		for _, i := range second[:4] {
			if slices.Contains(first, i) {
				t.Errorf("%d is asked again before all were: %v, %v", i, first, second)
			}
		}
	})
}

// Late organizations that answer, but after each scrape, take turns.
func TestLateTakeTurns(t *testing.T) {
	run(t, 1, 2, func(t *testing.T, f *fixture) {
		f.takes[0], f.takes[1] = 3*time.Second, 3*time.Second
		for range 4 {
			f.scrape(t, 2*time.Second)
			time.Sleep(2 * time.Second)
		}
		expect(t, "asked", f.order, 0, 1, 0, 1)
	})
}

// A poll that became late while it runs uses the turn of the late ones.
func TestLateWhileRunning(t *testing.T) {
	run(t, 2, 4, func(t *testing.T, f *fixture) {
		f.takes[0], f.takes[1] = 4*time.Second, 4300*time.Millisecond
		f.scrape(t, 2*time.Second)
		f.places[2].late = true
		_, asked := f.scrape(t, 20*time.Second)
		expect(t, "the one that is not late, the late one", asked, 3, 2)
	})
}

// With one slot, late organizations get no more of its time than the others, however many
// scrapes there are.
func TestLateDebt(t *testing.T) {
	run(t, 1, 12, func(t *testing.T, f *fixture) {
		f.takes[0], f.takes[1] = time.Hour, time.Hour
		f.scrape(t, 30*time.Second) // both are late now
		var late, others time.Duration
		for range 100 {
			_, asked := f.scrape(t, 3*time.Second)
			for _, i := range asked {
				if i < 2 {
					late += timeout
				} else {
					others += time.Second
				}
			}
			time.Sleep(3 * time.Second)
		}
		if late == 0 || late > others+2*timeout {
			t.Errorf("late ones had the slot for %s, others for %s", late, others)
		}
	})
}

// Very short scrapes that join a poll do not make its organization late.
func TestShortScrapesMakeNobodyLate(t *testing.T) {
	run(t, 2, 1, func(t *testing.T, f *fixture) {
		f.takes[0] = 3 * time.Second
		go f.scrape(t, 10*time.Second)
		for range 25 {
			time.Sleep(100 * time.Millisecond)
			f.scrape(t, 100*time.Millisecond)
			f.mu.Lock() // the long scrape is still running
			late := f.places[0].late
			f.mu.Unlock()
			if late {
				t.Fatal("late")
			}
		}
	})
}

// A refused organization keeps its place at most three times in a row.
func TestRefusedKeepsPlace(t *testing.T) {
	run(t, 1, 2, func(t *testing.T, f *fixture) {
		place := f.places[0]
		for _, want := range []bool{true, true, true, false, true, true, true, false} {
			f.outcome[0] = Refused
			before := place.rank
			place.late = true
			f.scrape(t, 20*time.Second)
			if place.late {
				t.Error("late, although it answered that it refuses")
			}
			if kept := place.rank == before; kept != want {
				t.Errorf("after %d refusals: kept its place %t, want %t", place.refused, kept, want)
			}
		}
		f.scrape(t, 20*time.Second) // kept
		f.outcome[0] = Answered
		f.scrape(t, 20*time.Second)
		if place.refused != 0 {
			t.Errorf("%d refusals in a row after an answer", place.refused)
		}
	})
}

// If the rate limit allows only some organizations per window, every organization is read
// within three scrapes.
func TestRateLimit(t *testing.T) {
	const orgs, window, scrapes = 60, 25, 12
	run(t, 16, orgs, func(t *testing.T, f *fixture) {
		var left atomic.Int64
		read := make([]int, orgs)
		for scrape := 1; scrape <= scrapes; scrape++ {
			left.Store(window)
			polls := make([]*Poll[int], orgs)
			for i := range polls {
				polls[i] = &Poll[int]{Place: f.places[i], Timeout: timeout, Ask: func(context.Context) (int, Outcome) {
					time.Sleep(10 * time.Millisecond)
					if left.Add(-1) < 0 {
						return 0, Refused
					}
					return i + 1, Answered
				}}
			}
			for i, s := range f.Poll(t.Context(), polls) {
				if s.Result == i+1 {
					read[i] = scrape
				} else if scrape-read[i] >= 3 {
					t.Errorf("scrape %d: organization %d was last read in scrape %d", scrape, i, read[i])
				}
			}
			time.Sleep(time.Minute)
		}
	})
}

// The number of slots limits old and new polls together across changes of the
// configuration.
func TestConfigure(t *testing.T) {
	run(t, 4, 40, func(t *testing.T, f *fixture) {
		done := make(chan bool)
		scrape := func() {
			f.scrape(t, 30*time.Second)
			done <- true
		}
		go scrape()
		for range 3 { // three reloads, each with new places and so new polls
			time.Sleep(500 * time.Millisecond)
			f.mu.Lock()
			old := slices.Clone(f.places)
			f.mu.Unlock()
			successors := make([]*Place[int], len(old))
			for i, p := range old {
				successors[i] = f.NewPlace(p)
			}
			f.places = successors
			f.Configure(4, f.places)
			go scrape()
		}
		time.Sleep(time.Second)
		if got := f.most.Load(); got != 4 {
			t.Errorf("%d polls at once, want 4", got)
		}
		f.Configure(10, f.places)
		time.Sleep(2 * time.Second)
		if got := f.running.Load(); got != 10 {
			t.Errorf("%d polls run with 10 slots", got)
		}
		f.Configure(1, f.places)
		time.Sleep(2 * time.Second)
		if got := f.running.Load(); got != 1 {
			t.Errorf("%d polls run with 1 slot", got)
		}
		f.Configure(40, f.places)
		for range 4 {
			<-done
		}
	})
}

// A place keeps the rank of the place that it replaces, and shares no poll with it.
func TestSuccessor(t *testing.T) {
	run(t, 2, 2, func(t *testing.T, f *fixture) {
		if got := f.NewPlace(&Place[int]{rank: 7, late: true, refused: 2}); got.rank != 7 || !got.late || got.refused != 2 {
			t.Errorf("got %+v, want the same place in the line", got)
		}
		f.scrape(t, 10*time.Second)
		f.takes[0] = 3 * time.Second
		go f.scrape(t, 10*time.Second)
		time.Sleep(time.Second)
		successor := f.NewPlace(f.places[0])
		if successor.rank != f.places[0].rank {
			t.Errorf("rank %d, want %d", successor.rank, f.places[0].rank)
		}
		asked := false
		f.Poll(t.Context(), []*Poll[int]{{Place: successor, Timeout: timeout, Ask: func(context.Context) (int, Outcome) {
			asked = true
			return 7, Answered
		}}})
		if !asked {
			t.Error("a poll was joined that had been started for the place before")
		}
	})
}

// A scrape joins the poll of another. A waiting poll uses the Ask of the newest scrape,
// unless it is traced.
func TestJoin(t *testing.T) {
	for _, traced := range []bool{false, true} {
		run(t, 1, 2, func(t *testing.T, f *fixture) {
			var joined, first, second atomic.Int64
			wanted := func(asked *atomic.Int64, traced bool) *Poll[int] {
				return &Poll[int]{
					Place: f.places[1], Timeout: timeout, Traced: traced, Joined: func() { joined.Add(1) },
					Ask: func(context.Context) (int, Outcome) { return int(asked.Add(1)), Answered },
				}
			}
			go f.Poll(t.Context(), []*Poll[int]{f.poll(0, timeout)})
			synctest.Wait()
			results := make(chan Standing[int], 2)
			for _, p := range []*Poll[int]{wanted(&first, traced), wanted(&second, false)} {
				go func() { results <- f.Poll(t.Context(), []*Poll[int]{p})[0] }()
				synctest.Wait()
			}
			for range 2 {
				if s := <-results; !s.Answered || s.Result != 1 {
					t.Errorf("traced %t: %+v", traced, s)
				}
			}
			want := int64(0)
			if traced {
				want = 1
			}
			if joined.Load() != want || first.Load() != want || second.Load() != 1-want {
				t.Errorf("traced %t: joined %d, asked %d and %d times", traced, joined.Load(), first.Load(), second.Load())
			}
		})
	}
}

// The context of a poll lasts as long as the poll, at most its timeout.
func TestContext(t *testing.T) {
	run(t, 1, 1, func(t *testing.T, f *fixture) {
		running := func() bool { return false }
		begun := time.Now()
		f.Poll(t.Context(), []*Poll[int]{{Place: f.places[0], Timeout: timeout, Ask: func(ctx context.Context) (int, Outcome) {
			running = func() bool { return ctx.Err() == nil }
			if end, ok := ctx.Deadline(); !ok || end.Sub(begun) != timeout || ctx.Err() != nil {
				t.Errorf("a context that ends at %s, %v", end, ctx.Err())
			}
			return 1, Answered
		}}})
		if running() {
			t.Error("the context outlives its poll")
		}
	})
}

func TestIdle(t *testing.T) {
	for _, late := range []bool{false, true} {
		run(t, 1, 2, func(t *testing.T, f *fixture) {
			f.places[0].late, f.places[1].late = late, late
			if !f.Idle() {
				t.Error("not idle before the first poll")
			}
			go f.scrape(t, time.Minute)
			synctest.Wait() // one is running, one is waiting
			if f.Idle() {
				t.Errorf("late %t: idle", late)
			}
		})
	}
}

// Close cancels running polls, drops waiting ones, and delays no scrape.
func TestClose(t *testing.T) {
	run(t, 2, 5, func(t *testing.T, f *fixture) {
		f.takes[0], f.takes[1] = time.Hour, time.Hour
		standings := make(chan []Standing[int])
		polls := make([]*Poll[int], len(f.places))
		for i := range polls {
			polls[i] = f.poll(i, timeout)
		}
		go func() { standings <- f.Poll(t.Context(), polls) }()
		synctest.Wait()
		begun := time.Now()
		f.Close()
		for i, s := range <-standings {
			if s.Answered != (i < 2) || s.Started.IsZero() != (i >= 2) || s.Result != 0 {
				t.Errorf("organization %d: %+v", i, s)
			}
		}
		for _, s := range f.Poll(t.Context(), []*Poll[int]{f.poll(4, timeout)}) {
			if s.Answered || !s.Started.IsZero() {
				t.Errorf("after Close: %+v", s)
			}
		}
		if time.Since(begun) != 0 || !f.Idle() {
			t.Errorf("Close took %s, idle %t", time.Since(begun), f.Idle())
		}
		slices.Sort(f.order)
		expect(t, "asked", f.order, 0, 1)
	})
}

// A scrape cancelled by its client makes no organization late.
func TestCancelledScrape(t *testing.T) {
	run(t, 1, 2, func(t *testing.T, f *fixture) {
		f.takes[0] = 4 * time.Second
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		f.Poll(ctx, []*Poll[int]{f.poll(0, timeout), f.poll(1, timeout)})
		if f.places[0].late {
			t.Error("late")
		}
		time.Sleep(timeout)
		_, asked := f.scrape(t, 20*time.Second)
		expect(t, "asked", asked, 0, 1)
	})
}
