package opsmanager_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
)

// A server that sends an answer too many, with the answer to one organization,
// must not have it taken for the answer to the next.
func TestAnswersThatWereNotAskedFor(t *testing.T) {
	const one, other = "5f1e9c2b8d3a4e0012ab34cd", "5f1e9c2b8d3a4e0012ab34ce"
	answer := func(status string) string {
		body := fmt.Sprintf(`{"status":%q}`, status)
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	s := serve(t, challenging(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for {
			text := answer("NOT_SYNCED")
			if strings.Contains(r.URL.Path, one) {
				text = answer("SYNCED") + answer("SYNCED")
			}
			if _, err := conn.Write([]byte(text)); err != nil {
				return
			}
			if r, err = request(conn, rw.Reader); err != nil {
				return
			}
		}
	}))
	r := newRig(t, s, func(o *opsmanager.Options) { o.MaxConnections = 4 })
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				if status, err := r.read(t.Context(), keyOf(testPublic, testPrivate), one); err != nil || status != opsmanager.Synced {
					t.Errorf("%s: %q, %v", one, status, err)
				}
				if status, err := r.read(t.Context(), keyOf(testPublic, testPrivate), other); err != nil || status != opsmanager.NotSynced {
					t.Errorf("%s: %q, %v; SYNCED is another organization's", other, status, err)
				}
			}
		})
	}
	wg.Wait()
}
