package opsmanager_test

import (
	"bufio"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/testkit/authority"
)

// connections starts a server that reports each closed connection. It responds to a
// request when answer returns.
func connections(t *testing.T, answer func()) (address string, ended chan struct{}) {
	ended = make(chan struct{}, 10)
	return listen(t, func(c net.Conn, _ int) {
		in := bufio.NewReader(c)
		for {
			_, err := request(c, in)
			if err != nil {
				break
			}
			answer()
			_, _ = c.Write([]byte(okAnswer))
		}
		ended <- struct{}{}
	}), ended
}

// soon waits for an event.
func soon(t *testing.T, what string, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(patience):
		t.Errorf("%s: it did not happen", what)
	}
}

// Close closes all connections: idle ones, those in use, and those opened by later polls.
func TestClose(t *testing.T) {
	address, ended := connections(t, func() {})
	r := newRig(t, "http://"+address, nil)
	r.synced(t)
	r.Close()
	soon(t, "an idle connection is closed", ended)
	for range 2 {
		r.synced(t)
		soon(t, "a connection of a later poll is closed", ended)
	}
	r.SetTLS(nil) // by a scrape that began before a reload
	r.synced(t)
	soon(t, "a connection after Close and SetTLS is closed", ended)
}

func TestCloseWhilePolling(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	address, ended := connections(t, func() {
		asked <- struct{}{}
		<-answer
	})
	r := newRig(t, "http://"+address, nil)
	for name, end := range map[string]func(){"SetTLS": func() { r.SetTLS(nil) }, "Close": r.Close} {
		var poll sync.WaitGroup
		poll.Go(func() { r.synced(t) })
		<-asked
		end()
		answer <- struct{}{}
		poll.Wait()
		soon(t, "a connection in use is closed after "+name, ended)
	}
}

// A gateway that timed out may still forward the response it waited for, so its
// connection is closed.
func TestErrorsOfAGatewayEndTheConnection(t *testing.T) {
	for _, line := range []string{"504 Gateway Timeout", "500 Internal Server Error", "408 Request Timeout"} {
		closed := make(chan struct{}, 1)
		address := listen(t, func(c net.Conn, _ int) {
			if _, err := request(c, bufio.NewReader(c)); err == nil {
				_, _ = c.Write([]byte("HTTP/1.1 " + line + "\r\nContent-Length: 0\r\n\r\n"))
				drain(c)
				closed <- struct{}{}
			}
		})
		if _, err := newRig(t, "http://"+address, nil).poll(t); err == nil {
			t.Errorf("%s: no error", line)
		}
		soon(t, line+" ends its connection", closed)
	}
}

// A poll before SetTLS fails with a clear error.
func TestPollBeforeSetTLS(t *testing.T) {
	r := opsmanager.NewClient(opsmanager.Options{URL: parse(t, "http://127.0.0.1:1"), Sessions: opsmanager.NewSessions()})
	reading, err := r.MigrationLinkStatus(t.Context(), keyOf(testPublic, testPrivate), testOrg)
	failure{opsmanager.ReasonTLS, 0, "", "the client has no TLS configuration yet: SetTLS comes before the first poll"}.check(t, reading.Status, err)
	r.Close()
}

// SetTLS does not modify the caller's configuration and uses its session cache.
func TestSetTLSLeavesTheConfigurationAlone(t *testing.T) {
	ca := authority.New(t)
	sessions := make(chan bool, 10)
	s := httptestTLS(t, ca, func(w http.ResponseWriter, r *http.Request) {
		sessions <- r.TLS.DidResume
		if p := r.TLS.NegotiatedProtocol; p != "http/1.1" {
			t.Errorf("negotiated %q", p)
		}
		w.Header().Set("Connection", "close")
		challenging(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status":"SYNCED"}`)) })(w, r)
	})
	r := newRig(t, s, nil)
	for _, cache := range []tls.ClientSessionCache{nil, tls.NewLRUClientSessionCache(0)} {
		c := ca.Trust()
		c.ClientSessionCache = cache
		r.SetTLS(c)
		r.synced(t)
		r.synced(t)
		if c.ClientSessionCache != cache || c.NextProtos != nil {
			t.Errorf("changed: %+v", c)
		}
		resumed := 0
		for range len(sessions) {
			if <-sessions {
				resumed++
			}
		}
		if (resumed > 0) != (cache != nil) {
			t.Errorf("%d sessions resumed", resumed)
		}
	}
}
