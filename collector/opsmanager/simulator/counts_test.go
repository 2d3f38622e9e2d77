package simulator

import (
	"net/http"
	"sync"
	"testing"

	"opsmanager_exporter/collector/testkit/wait"
)

func TestCounts(t *testing.T) {
	s, c := start(t, Options{}, Org{}), client(t)
	login(t, c, s, http.MethodGet, testPath)
	want := Counts{Requests: 2, OK: 1, Unauthorized: 1, Challenges: 1, MaxInFlight: 1, Connections: 1, Open: 1}
	if got := s.Counts(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := s.OrgCounts(testOrg), (Counts{Requests: 1, OK: 1, MaxInFlight: 1}); got != want {
		t.Errorf("organization: got %+v, want %+v", got, want)
	}
	if got := s.OrgCounts("never"); got != (Counts{}) {
		t.Errorf("never asked for: %+v", got)
	}
	s.ResetCounts()
	if got := s.Counts(); got != (Counts{Open: 1}) {
		t.Errorf("after the reset: %+v", got)
	}
	if got := s.OrgCounts(testOrg); got != (Counts{}) {
		t.Errorf("organization after the reset: %+v", got)
	}
}

// Concurrent requests, changes and restarts, for the race detector.
func TestConcurrentUse(t *testing.T) {
	s := start(t, Options{OnStatus: func(string, string) {}}, Org{Answer: Sequence(HTML(503), Status("SYNCED"))})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c := client(t)
			for range 20 {
				// A restart may break any of these requests.
				r, err := request(t.Context(), c, http.MethodGet, s.URL()+testPath, "")
				if err != nil {
					continue
				}
				_, _ = request(t.Context(), c, http.MethodGet, s.URL()+testPath, authorize("GET", testPath, r.nonce(t), "1"))
			}
		})
	}
	for range 20 {
		s.SetKey(testPublic, testPrivate)
		s.SetOrg("another", Org{})
		s.RemoveOrg("another")
		s.Restart()
		s.Counts()
		s.ResetCounts()
	}
	wg.Wait()
	wait.For(t, "no request is left", func() bool { return s.Counts().InFlight == 0 })
}

func BenchmarkStatus(b *testing.B) {
	s, c := start(b, Options{}, Org{}), client(b)
	nonce := ""
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 {
			nonce = do(b, c, http.MethodGet, s.URL()+testPath, "").nonce(b)
		}
		nc := string("0123456789abcdef"[i/256%16]) + string("0123456789abcdef"[i/16%16]) + string("0123456789abcdef"[i%16])
		do(b, c, http.MethodGet, s.URL()+testPath, authorize("GET", testPath, nonce, nc))
	}
}
