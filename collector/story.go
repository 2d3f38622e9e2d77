package collector

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// story collects the steps of one poll with their times. It may be told more
// than its reader waits for.
type story struct {
	begun time.Time
	mu    sync.Mutex
	text  strings.Builder
}

func (s *story) tell(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.text, "%8.3fs  %s\n", time.Since(s.begun).Seconds(), step)
}

// tellStory polls one organization and writes what happened, step by step.
func (e *Exporter) tellStory(ctx context.Context, w http.ResponseWriter, org *organization, timeout time.Duration) {
	s := &story{begun: time.Now()}
	settings := org.manager.settings
	s.tell(fmt.Sprintf("poll of organization %s (%s) of Ops Manager %s at %s", org.config.ID, org.name, settings.Name, settings.URL.Redacted()))
	s.tell(fmt.Sprintf("deadline of this probe %s, timeout of the poll %s, %d slots", timeout, settings.Timeout, settings.MaxConcurrentRequests))
	round := e.scrape(ctx, []*organization{org}, s.tell)
	if len(round.Results) == 0 {
		panic(http.ErrAbortHandler) // the client left
	}
	if r := round.Results[0]; r.Err != nil {
		reason := opsmanager.ReasonOf(r.Err)
		s.tell(fmt.Sprintf("verdict: unknown, reason %s: %v", reason, r.Err))
		s.tell("what to do: " + reason.Fix())
	} else {
		s.tell(fmt.Sprintf("verdict: %s", r.Status))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(w, s.text.String()) // a client that left
}
