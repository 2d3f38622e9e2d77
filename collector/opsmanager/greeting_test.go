package opsmanager_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// A server of another protocol that speaks first is reported as such, whether its
// greeting arrives before or after the request is written.
func TestServerThatSpeaksFirst(t *testing.T) {
	for name, pause := range map[string]time.Duration{"at once": 0, "a little later": 200 * time.Microsecond, "after the request": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			address := listen(t, func(c net.Conn, _ int) {
				time.Sleep(pause)
				if _, err := io.WriteString(c, "220 mail.example.net ESMTP\r\n"); err == nil {
					drain(c)
				}
			})
			r := newRig(t, "http://"+address, nil)
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for range 10 {
						status, err := r.poll(t)
						if status != "" || opsmanager.ReasonOf(err) != opsmanager.ReasonBadResponse {
							t.Errorf("got %q, %v (%s)", status, err, opsmanager.ReasonOf(err))
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
