package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
)

// debugText collects the steps of one poll with their times. It may be told more
// than its reader waits for.
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

// debug polls the one organization of target and writes what happened, step by
// step.
func debug(s *scrape, target *collector.Targets) {
	d := &debugText{begun: time.Now()}
	org := target.Orgs()[0]
	name := org.Name
	if org.Team != "" {
		name += ", team " + org.Team
	}
	d.tell("poll of organization %s (%s) of Ops Manager %s at %s", org.ID, name, org.OpsManager, org.URL)
	d.tell("deadline of this probe %s, timeout of the poll %s, %d slots", s.timeout, org.Timeout, org.MaxConcurrentRequests)
	results, ok := target.Poll(s.ctx, func(step string) { d.tell("%s", step) })
	if !ok {
		panic(http.ErrAbortHandler) // the client left
	}
	if r := results.Orgs[0]; r.Err != nil {
		reason := opsmanager.ReasonOf(r.Err)
		d.tell("verdict: unknown, reason %s: %v", reason, r.Err)
		d.tell("what to do: %s", reason.Fix())
	} else {
		d.tell("verdict: %s", r.Status)
	}
	s.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = io.WriteString(s.w, d.text.String()) // into memory
}
