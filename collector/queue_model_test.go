package collector

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// TestQueueModel runs two Prometheus servers against the queue for hours of
// virtual time. Organizations answer at random speeds, hang for a while, and
// change their status all the time. Each answer that a scrape gets was read
// during that scrape, every scrape ends by its deadline, there are never more
// polls in flight than slots, and an organization that answers in time is not
// left out for long, whatever the others do.
func TestQueueModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			orgs, slots = 60, 8
			timeout     = 5 * time.Second
			interval    = 15 * time.Second
			deadline    = 9500 * time.Millisecond
			hours       = 12
		)
		type reading struct {
			status opsmanager.Status
			at     time.Time
		}
		var (
			mu       sync.Mutex
			random   = rand.New(rand.NewPCG(1, 2))
			hangs    [orgs]time.Time // until then
			readings = make(map[*organization]reading)
			inFlight int
			counts   = make(map[string]int)
			missed   [orgs]int // scrapes in a row in which a healthy one was not read
			all      []*organization
		)
		for i := range orgs {
			all = append(all, &organization{index: i})
		}
		ask := func(ctx context.Context, p *poll) (opsmanager.Status, error) {
			mu.Lock()
			if inFlight++; inFlight > slots {
				t.Errorf("%d polls in flight", inFlight)
			}
			takes := time.Duration(random.IntN(400)) * time.Millisecond
			if time.Now().Before(hangs[p.org.index]) {
				takes = time.Hour
			}
			status := []opsmanager.Status{opsmanager.Synced, opsmanager.NotSynced}[random.IntN(2)]
			mu.Unlock()
			timer := time.NewTimer(takes)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				mu.Lock()
				defer mu.Unlock()
				inFlight--
				return "", &opsmanager.Error{Reason: opsmanager.ReasonTimeout, Err: ctx.Err()}
			}
			mu.Lock()
			defer mu.Unlock()
			inFlight--
			readings[p.org] = reading{status, time.Now()}
			return status, nil
		}
		q := newQueue(slots, timeout, ask)
		q.orgs = orgs
		var servers sync.WaitGroup
		for server := range 2 {
			servers.Go(func() {
				time.Sleep(time.Duration(server) * 4 * time.Second)
				for range int(hours * time.Hour / interval) {
					next := time.Now().Add(interval)
					mu.Lock()
					for i := range hangs { // a tenth of them hang for some minutes
						if i%10 == 3 && random.IntN(40) == 0 {
							hangs[i] = time.Now().Add(time.Duration(random.IntN(10)) * time.Minute)
						}
					}
					mu.Unlock()
					begun := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), deadline)
					wanted := make([]*poll, orgs)
					for i, org := range all {
						wanted[i] = &poll{org: org, done: make(chan struct{})}
					}
					joined := q.join(ctx, wanted)
					for _, p := range joined {
						select {
						case <-p.done:
						case <-ctx.Done():
						}
					}
					stands := q.leave(joined, ctx.Err() != nil)
					cancel()
					if took := time.Since(begun); took > deadline {
						t.Errorf("a scrape took %s", took)
					}
					mu.Lock()
					for i, p := range joined {
						if !stands[i].answered || p.err != nil {
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
						if p.ended.Before(begun) || p.ended.After(time.Now()) {
							t.Errorf("organization %d: an answer of %s in a scrape that began at %s", i, p.ended, begun)
						}
						if last := readings[p.org]; last.at.Equal(p.ended) && last.status != p.status {
							t.Errorf("organization %d: got %s, was told %s", i, p.status, last.status)
						}
					}
					mu.Unlock()
					time.Sleep(time.Until(next))
				}
			})
		}
		servers.Wait()
		time.Sleep(2 * timeout)
		if q.running != 0 || len(q.polls) != 0 || inFlight != 0 {
			t.Errorf("left behind: %d running, %d polls, %d in flight", q.running, len(q.polls), inFlight)
		}
		if counts["read"] < 100_000 || counts["unknown"] < 1000 {
			t.Errorf("too few to prove anything: %v", counts)
		}
		t.Logf("%d hours, %v", hours, counts)
	})
}
