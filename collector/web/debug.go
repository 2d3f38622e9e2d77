package web

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
)

// debugText collects the steps of one poll with their times. The poll may report
// steps after the response has been written.
type debugText struct {
	begun time.Time
	mu    sync.Mutex
	text  strings.Builder
}

func (d *debugText) tell(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(&d.text, "%8.3fs  %s\n", time.Since(d.begun).Seconds(), fmt.Sprintf(format, args...))
}

// debug polls the one organization of target and writes the steps of the poll.
func debug(s *scrape, target *collector.Targets) {
	d := &debugText{begun: time.Now()}
	org := target.Orgs()[0]
	name := org.Name
	if org.Team != "" {
		name += ", team " + org.Team
	}
	d.tell("polling organization %s (%s) of Ops Manager %s at %s", org.ID, name, org.OpsManager, org.URL)
	d.tell("probe deadline %s, poll timeout %s, max_concurrent_requests %d", s.timeout, org.Timeout, org.MaxConcurrentRequests)
	results, ok := target.Poll(s.ctx, func(step string) { d.tell("%s", step) })
	if !ok {
		panic(http.ErrAbortHandler) // the client is gone
	}
	if r := results.Orgs[0]; r.Err != nil {
		reason := opsmanager.ReasonOf(r.Err)
		d.tell("result: unknown, reason %s: %v", reason, r.Err)
		d.tell("fix: %s", reason.Fix())
	} else {
		d.tell("result: %s", r.Status)
	}
	if s.Page != nil {
		scheme, host, base := s.reached(s.r)
		d.tell("status page: %s", &url.URL{Scheme: scheme, Host: host, Path: base + "/"})
	}
	s.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = io.WriteString(s.w, d.text.String()) // a buffer: never fails
}
