package collector_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/wait"
)

// Eight clients scrape and stop at random. Afterwards, there are no more goroutines,
// connections and files than before.
func TestChurn(t *testing.T) {
	ci.Long(t)
	const orgs, concurrency = 30, 8
	f := start(t, settings{orgs: orgs, concurrency: concurrency, timeout: 300 * time.Millisecond})
	faults := []simulator.Answer{
		simulator.Hang(), simulator.Reset(), simulator.Cut(), simulator.Truncated(), simulator.UnexpectedError(),
		simulator.SlowBody(50 * time.Millisecond), simulator.HugeBody(1 << 20), simulator.CloseAfter(simulator.Status("SYNCED")),
	}
	faulty := len(faults)
	for i, answer := range faults {
		f.sim.SetOrg(orgID(i), simulator.Org{Answer: answer})
	}
	f.scrape(t, "60")
	goroutines, files := runtime.NumGoroutine(), openFiles()

	transport := &http.Transport{}
	ctx, cancel := context.WithTimeout(t.Context(), ci.Amount(2*time.Second, 5*time.Second, time.Minute))
	defer cancel()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				patience := time.Duration(rand.IntN(600)) * time.Millisecond
				scrapeCtx, stop := context.WithTimeout(ctx, patience)
				req, err := http.NewRequestWithContext(scrapeCtx, http.MethodGet, f.url, nil)
				if err != nil {
					t.Error(err)
				} else if resp, err := transport.RoundTrip(req); err == nil {
					if resp.StatusCode != http.StatusOK {
						t.Errorf("status %d", resp.StatusCode)
					}
					resp.Body.Close()
				}
				stop()
			}
		})
	}
	wg.Wait()
	transport.CloseIdleConnections()

	wait.For(t, fmt.Sprintf("no more than %d goroutines and %d files, as before", goroutines, files), func() bool {
		// A kept connection is two goroutines and a file at each end; connections that
		// were closed by faulty responses may have been replaced.
		return runtime.NumGoroutine() <= goroutines+4*concurrency && openFiles() <= files+2*concurrency &&
			f.sim.Counts().Open <= concurrency && f.sim.Counts().InFlight == 0
	})
	wait.Growing(t, f.manager.Timeout, func(limit time.Duration) error {
		f.manager.Timeout = limit
		f.apply()
		s := f.scrape(t, "60")
		for i := faulty; i < orgs; i++ {
			if got := s.State(t, orgID(i)); got != "1" {
				return fmt.Errorf("afterwards organization %d: %s", i, got)
			}
		}
		return nil
	})
}

// openFiles returns the number of the process's open files, or 0 if unknown.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
