package scheduler

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestModel simulates two Prometheus servers that scrape for hours of virtual time.
// Organizations answer at random speeds, hang for a while, and change their status all the
// time. Each answer that a scrape gets was read during that scrape, every scrape ends by
// its deadline, there are never more polls in flight than slots, and an organization that
// answers in time is not left out for long, whatever the others do.
func TestModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			orgs, slots = 60, 8
			timeout     = 5 * time.Second
			interval    = 15 * time.Second
			deadline    = 9500 * time.Millisecond
			hours       = 12
		)
		type reading struct {
			status int
			at     time.Time
		}
		var (
			mu       sync.Mutex
			random   = rand.New(rand.NewPCG(1, 2))
			hangs    [orgs]time.Time // when each stops hanging
			readings [orgs]reading
			inFlight int
			counts   = make(map[string]int)
			missed   [orgs]int // consecutive scrapes in which a healthy one was not read
			places   []*Place[reading]
		)
		s := New[reading]()
		for range orgs {
			places = append(places, s.NewPlace(nil))
		}
		s.Configure(slots, places)
		ask := func(ctx context.Context, org int) (reading, Outcome) {
			mu.Lock()
			if inFlight++; inFlight > slots {
				t.Errorf("%d polls in flight", inFlight)
			}
			takes := time.Duration(random.IntN(400)) * time.Millisecond
			if time.Now().Before(hangs[org]) {
				takes = time.Hour
			}
			status := random.IntN(1000)
			mu.Unlock()
			timer := time.NewTimer(takes)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				mu.Lock()
				defer mu.Unlock()
				inFlight--
				return reading{}, TimedOut
			}
			mu.Lock()
			defer mu.Unlock()
			inFlight--
			readings[org] = reading{status, time.Now()}
			return readings[org], Answered
		}
		var servers sync.WaitGroup
		for server := range 2 {
			servers.Go(func() {
				time.Sleep(time.Duration(server) * 4 * time.Second)
				for range int(hours * time.Hour / interval) {
					next := time.Now().Add(interval)
					mu.Lock()
					for i := range hangs { // a tenth hang for some minutes
						if i%10 == 3 && random.IntN(40) == 0 {
							hangs[i] = time.Now().Add(time.Duration(random.IntN(10)) * time.Minute)
						}
					}
					mu.Unlock()
					begun := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), deadline)
					wanted := make([]*Poll[reading], orgs)
					for i, place := range places {
						wanted[i] = &Poll[reading]{Place: place, Timeout: timeout, Ask: func(ctx context.Context) (reading, Outcome) { return ask(ctx, i) }}
					}
					standings := s.Poll(ctx, wanted)
					cancel()
					if took := time.Since(begun); took > deadline {
						t.Errorf("a scrape took %s", took)
					}
					mu.Lock()
					for i, standing := range standings {
						got := standing.Result
						if got.at.IsZero() {
							counts["unknown"]++
							if i%10 != 3 {
								if missed[i]++; missed[i] > 3 {
									t.Errorf("organization %d was left out %d times in a row", i, missed[i])
								}
							}
							continue
						}
						missed[i] = 0
						counts["read"]++
						if got.at.Before(begun) || got.at.After(time.Now()) || !standing.Answered || !standing.Ended.Equal(got.at) {
							t.Errorf("organization %d: an answer of %s in a scrape that began at %s: %+v", i, got.at, begun, standing)
						}
						if last := readings[i]; last.at.Equal(got.at) && last != got {
							t.Errorf("organization %d: got %d, was told %d", i, got.status, last.status)
						}
					}
					mu.Unlock()
					time.Sleep(time.Until(next))
				}
			})
		}
		servers.Wait()
		time.Sleep(2 * timeout)
		if !s.Idle() || inFlight != 0 {
			t.Errorf("left behind: idle %t, %d in flight", s.Idle(), inFlight)
		}
		if counts["read"] < 100_000 || counts["unknown"] < 1000 {
			t.Errorf("too few to prove anything: %v", counts)
		}
		t.Logf("%d hours, %v", hours, counts)
	})
}
