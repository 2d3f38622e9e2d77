package opsmanager_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
)

// An unsolicited response, sent together with the response for one organization, must not
// be mistaken for the response for the next.
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
	r := newRig(t, s, func(o *opsmanager.Options) { o.MaxConnections = 4 }) // so that polls wait for one
	for range 200 {
		r.SetTLS(nil) // otherwise it would reuse no connection
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if status, err := r.read(t.Context(), keyOf(testPublic, testPrivate), one); err != nil || status != opsmanager.Synced {
					t.Errorf("%s: %q, %v", one, status, err)
				}
			})
			wg.Go(func() {
				if status, err := r.read(t.Context(), keyOf(testPublic, testPrivate), other); err != nil || status != opsmanager.NotSynced {
					t.Errorf("%s: %q, %v; SYNCED is another organization's", other, status, err)
				}
			})
		}
		wg.Wait()
	}
}

// The unsolicited response arrives before the next request is written: it is not mistaken
// for the response to that, and the reading before it is retracted.
func TestAnswerThatWaits(t *testing.T) {
	const one, other = "5f1e9c2b8d3a4e0012ab34cd", "5f1e9c2b8d3a4e0012ab34ce"
	address := listen(t, func(c net.Conn, _ int) {
		in := bufio.NewReader(c)
		for {
			r, err := request(c, in)
			if err != nil {
				return
			}
			text := strings.Replace(okAnswer, "19\r\n\r\n{\"status\":\"", "23\r\n\r\n{\"status\":\"NOT_", 1)
			if strings.Contains(r.URL.Path, one) {
				text = okAnswer + okAnswer
			}
			_, _ = io.WriteString(c, text)
		}
	})
	still(t, func(t *testing.T) {
		r := newRig(t, "http://"+address, nil)
		if status, err := r.read(t.Context(), keyOf(testPublic, testPrivate), other); status != opsmanager.NotSynced {
			t.Fatal(err)
		}
		// net/http checks for data after a response once this hook has returned.
		idle, written := make(chan struct{}), make(chan struct{})
		waiting := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(error) {
			close(idle)
			<-written
		}})
		var first opsmanager.Reading
		var wg sync.WaitGroup
		wg.Go(func() {
			var err error
			if first, err = r.MigrationLinkStatus(waiting, keyOf(testPublic, testPrivate), one); err != nil {
				t.Error(err)
			}
		})
		<-idle
		var once sync.Once
		next := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
			once.Do(func() { close(written) })
		}})
		second, err := r.MigrationLinkStatus(next, keyOf(testPublic, testPrivate), other)
		if err != nil || second.Status != opsmanager.NotSynced || second.Retracted() != nil {
			t.Errorf("got %+v, %v, %v", second, err, second.Retracted())
		}
		wg.Wait()
		if first.Status != opsmanager.Synced || first.Retracted() == nil {
			t.Errorf("got %+v, which is not retracted", first)
		}
	})
}
