package collector_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
)

var churn = flag.Duration("churn", 5*time.Second, "how long TestChurn scrapes and stops")

// Eight clients scrape and stop at random. Afterwards there is no goroutine, no
// connection and no file more than before.
func TestChurn(t *testing.T) {
	const orgs, concurrency = 30, 8
	f := start(t, settings{orgs: orgs, concurrency: concurrency, timeout: 300 * time.Millisecond})
	for i, answer := range []simulator.Answer{
		simulator.Hang(), simulator.Reset(), simulator.Cut(), simulator.Truncated(), simulator.UnexpectedError(),
		simulator.SlowBody(50 * time.Millisecond), simulator.HugeBody(1 << 20), simulator.CloseAfter(simulator.Status("SYNCED")),
	} {
		f.sim.SetOrg(orgID(i), simulator.Org{Answer: answer})
	}
	f.scrape(t, "10")
	goroutines, files := runtime.NumGoroutine(), openFiles()

	transport := &http.Transport{}
	ctx, cancel := context.WithTimeout(t.Context(), *churn)
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

	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		// A kept connection is two goroutines and a file at each end; those that
		// faulty answers closed may have come back.
		if runtime.NumGoroutine() <= goroutines+4*concurrency && openFiles() <= files+2*concurrency &&
			f.sim.Counts().Open <= concurrency && f.sim.Counts().InFlight == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("goroutines %d, then %d; files %d, then %d; connections %d", goroutines, runtime.NumGoroutine(),
				files, openFiles(), f.sim.Counts().Open)
		}
	}
	if got := f.states(t, f.scrape(t, "10")); got["1"] != orgs-7 {
		t.Errorf("states afterwards: %v", got)
	}
}

// openFiles counts the process's open files, 0 where the system does not tell.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
