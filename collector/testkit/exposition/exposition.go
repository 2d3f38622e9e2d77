// Package exposition parses the exporter's metrics for tests.
package exposition

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// Samples maps the series of an exposition in the text format to their values.
type Samples map[string]string

// Parse returns the samples of an exposition. A series that appears twice is an
// error.
func Parse(text string) (Samples, error) {
	s := make(Samples)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		i := strings.LastIndexByte(line, ' ')
		if i <= 0 || line[0] == '#' {
			continue
		}
		if _, twice := s[line[:i]]; twice {
			return nil, fmt.Errorf("series %s appears twice", line[:i])
		}
		s[line[:i]] = line[i+1:]
	}
	return s, nil
}

// Link returns the value of opsmanager_migration_link_NAME for an organization, or
// "absent" if there is none.
func (s Samples) Link(name, org string) string {
	if v, ok := s[fmt.Sprintf("opsmanager_migration_link_%s{org_id=%q}", name, org)]; ok {
		return v
	}
	return "absent"
}

// State returns "1", "0" or the reason why the status is unknown. It fails the
// test if the series of the organization contradict each other.
func (s Samples) State(tb testing.TB, org string) string {
	tb.Helper()
	var reasons []string
	for _, reason := range opsmanager.Reasons() { // any other reason is a contradiction
		if s[fmt.Sprintf("opsmanager_migration_link_scrape_failure_reason{org_id=%q,reason=%q}", org, reason)] == "1" {
			reasons = append(reasons, string(reason))
		}
	}
	synced, success := s.Link("synced", org), s.Link("scrape_success", org)
	switch {
	case success == "1" && len(reasons) == 0 && (synced == "0" || synced == "1"):
		return synced
	case success == "0" && len(reasons) == 1 && synced == "absent":
		return reasons[0]
	}
	tb.Errorf("organization %s: synced %s, scrape_success %s, reasons %q", org, synced, success, reasons)
	return "contradiction"
}

// Scrape scrapes like Prometheus, with a scrape timeout header, and returns the samples.
// A response other than 200 is an error.
func Scrape(ctx context.Context, url string, timeout time.Duration) (Samples, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(timeout.Seconds()))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: HTTP %d: %s", url, resp.StatusCode, body)
	}
	return Parse(string(body))
}
