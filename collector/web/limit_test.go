package web_test

import (
	"net/http"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/wait"
	"opsmanager_exporter/collector/web"
)

// Scrapes and probes beyond the limit are rejected immediately; pages are not.
func TestMaxRequests(t *testing.T) {
	t.Parallel()
	f := start(t, 1, web.Options{MaxRequests: 1, Page: http.NotFoundHandler()})
	release := make(chan struct{})
	f.sim.SetOrg(simulated.OrgID(0), simulator.Org{Answer: simulated.Held(release, simulator.Status("SYNCED"))})
	done := make(chan string)
	go func() {
		_, body := f.get(t, "/probe?target="+simulated.OrgID(0))
		done <- body
	}()
	wait.For(t, "the poll is under way", func() bool { return f.sim.OrgCounts(simulated.OrgID(0)).InFlight == 1 })
	for path, want := range map[string]int{
		"/metrics":                            http.StatusServiceUnavailable,
		"/metrics?collect[]=exporter":         http.StatusServiceUnavailable,
		"/probe?target=" + simulated.OrgID(0): http.StatusServiceUnavailable,
		"/":                                   http.StatusNotFound, "/sd": http.StatusOK, "/-/healthy": http.StatusOK, "/-/ready": http.StatusOK,
	} {
		status, body := f.get(t, path)
		if status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
		if status == http.StatusServiceUnavailable && body != "too many concurrent scrapes: try again later, or increase --web.max-requests\n" {
			t.Errorf("%s: %q", path, body)
		}
	}
	close(release)
	<-done
	if status, body := f.get(t, "/metrics"); status != http.StatusOK {
		t.Errorf("afterwards: status %d %s", status, body)
	}
}

// Requests for the page wait for their turn, and are rejected if too many wait.
func TestPageQueue(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := start(t, 1, web.Options{MaxRequests: 1, Page: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })})
	const admitted = 1 + 64
	answers := make(chan int)
	for range admitted + 3 {
		go func() {
			status, body := f.get(t, "/")
			if status == http.StatusServiceUnavailable && body != "too many concurrent requests for this page: try again later\n" {
				t.Errorf("refused with %q", body)
			}
			answers <- status
		}()
	}
	for range 3 {
		if got := <-answers; got != http.StatusServiceUnavailable {
			t.Errorf("the first answers: status %d", got)
		}
	}
	if status, _ := f.get(t, "/metrics"); status != http.StatusOK {
		t.Errorf("a scrape meanwhile: status %d", status)
	}
	close(release)
	for range admitted {
		if got := <-answers; got != http.StatusOK {
			t.Errorf("the other answers: status %d", got)
		}
	}
}
