package faults_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/ci"
)

// TestSoak, which .ci/full does at length, polls every fault over and over, with reloads between the scrapes.
// Goroutines, open files, memory and series stay where they were after the first
// rounds.
func TestSoak(t *testing.T) {
	ci.Long(t)
	w := newWorld(t, 20)
	w.timeout = pollTimeout / 2
	faults := ownFaults(t)
	further, others := w.everything(t, faults)
	polls := ci.Amount(500, 2_000, 100_000)
	reloads := polls / 100
	rounds := (polls + len(faults) - 1) / len(faults)
	var before footprint
	reloaded := 0
	for round := range rounds + 2 {
		if round == 2 { // two rounds to fill pools and caches
			before = w.footprint(t)
		}
		for ; round >= 2 && reloaded < reloads*(round-1)/rounds; reloaded++ {
			// Every second reload removes half of the Ops Managers, and the next one adds
			// them again.
			w.load(t, further[reloaded%7:], others[:len(others)/(1+reloaded%2)]...)
		}
		w.meetAll(t, faults, further, others)
	}
	after := w.footprint(t)
	t.Logf("%d polls that failed or nearly, %d reloads\nbefore %+v\nafter  %+v", rounds*len(faults), reloaded+rounds, before, after)
	for _, grown := range []struct {
		what          string
		before, after int
		room          int // allowance for what is in progress at any time
	}{
		{"goroutines", before.Goroutines, after.Goroutines, before.Goroutines/10 + 50},
		{"open files", before.Files, after.Files, before.Files/10 + 50},
		{"heap bytes", before.Heap, after.Heap, before.Heap/10 + 4<<20},
		{"series", before.Series, after.Series, 0},
	} {
		if grown.after > grown.before+grown.room {
			t.Errorf("%s: %d before, %d after", grown.what, grown.before, grown.after)
		}
	}
}

// footprint is the resource usage of an exporter and the Ops Managers of the test.
type footprint struct{ Goroutines, Files, Heap, Series int }

// footprint measures when nothing is in progress: polls in flight have ended, and idle
// client connections are closed.
func (w *world) footprint(t *testing.T) footprint {
	t.Helper()
	s := w.scrape(t)
	http.DefaultClient.CloseIdleConnections()
	w.log.Reset()
	least := footprint{}
	for range 5 {
		time.Sleep(w.timeout / 4)
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		now := footprint{Goroutines: runtime.NumGoroutine(), Files: openFiles(), Heap: int(memory.HeapAlloc), Series: len(s)}
		if least.Goroutines == 0 {
			least = now
		}
		least.Goroutines, least.Files, least.Heap = min(least.Goroutines, now.Goroutines), min(least.Files, now.Files), min(least.Heap, now.Heap)
	}
	return least
}

// openFiles returns the number of open files, or 0 if it is not available.
func openFiles() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", os.Getpid()))
	if err != nil {
		return 0
	}
	return len(entries)
}
