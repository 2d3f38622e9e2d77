package opsmanager_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/wait"
)

func (r *rig) reading(t testing.TB) opsmanager.Reading {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	reading, err := r.MigrationLinkStatus(ctx, keyOf(testPublic, testPrivate), testOrg)
	if err != nil || reading.Status != opsmanager.Synced {
		t.Fatalf("got %+v, %v", reading, err)
	}
	return reading
}

// retracted waits until a reading is retracted, and checks the error.
func retracted(t *testing.T, reading opsmanager.Reading, host string) {
	t.Helper()
	wait.For(t, "it is retracted", func() bool { return reading.Retracted() != nil })
	err := reading.Retracted()
	failure{
		opsmanager.ReasonBadResponse, 0, "",
		"ADDRESS sent a response without a request, so this status may be another organization's; if this recurs, set reuse_connections: false",
	}.check(t, "", err)
	if !strings.HasPrefix(err.Error(), host) {
		t.Errorf("%v does not name %s", err, host)
	}
}

// An unsolicited response on an idle connection retracts the readings from that
// connection only.
func TestRetracted(t *testing.T) {
	for name, write := range map[string]func(c net.Conn, more <-chan struct{}){
		"later": func(c net.Conn, more <-chan struct{}) {
			_, _ = io.WriteString(c, okAnswer)
			<-more
			_, _ = io.WriteString(c, okAnswer)
		},
		"half of it": func(c net.Conn, more <-chan struct{}) {
			_, _ = io.WriteString(c, okAnswer)
			<-more
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n")
			_, _ = io.WriteString(c, strings.TrimPrefix(okAnswer, "HTTP/1.1 200 OK\r\n"))
		},
		"in one write": func(c net.Conn, more <-chan struct{}) {
			_, _ = io.WriteString(c, okAnswer+okAnswer)
			<-more
		},
		"chunked": func(c net.Conn, more <-chan struct{}) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n{\"status\":\"SYNCED\"}\r\n0\r\n\r\n"+okAnswer)
			<-more
		},
		"without a body": func(c net.Conn, more <-chan struct{}) {
			_, _ = io.WriteString(c, okAnswer)
			<-more
			_, _ = io.WriteString(c, "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n")
		},
	} {
		for scheme, config := range map[string]*tls.Config{"http": nil, "https": authority.New(t).Server(t)} {
			t.Run(name+", "+scheme, func(t *testing.T) {
				wait.Growing(t, time.Second, func(limit time.Duration) error {
					more := make(chan struct{})
					address := listen(t, func(c net.Conn, _ int) {
						if config != nil {
							c = tls.Server(c, config)
						}
						if _, err := request(c, bufio.NewReader(c)); err == nil {
							write(c, more)
							drain(c)
						}
					})
					r := newRig(t, scheme+"://"+address, nil)
					r.SetTLS(insecure())
					first := r.reading(t)
					if name == "later" && first.Retracted() != nil {
						t.Error("retracted before there was a reason")
					}
					close(more)
					for begun := time.Now(); first.Retracted() == nil; time.Sleep(time.Millisecond) {
						if time.Since(begun) > limit {
							return errors.New("not retracted") // net/http may have dropped the connection already
						}
					}
					retracted(t, first, address)
					second := r.reading(t) // on another connection, which is used once
					if err := second.Retracted(); err != nil {
						t.Error(err)
					}
					return nil
				})
			})
		}
	}
	if err := (opsmanager.Reading{}).Retracted(); err != nil {
		t.Error(err)
	}
}

// A regular end of a connection retracts nothing.
func TestNotRetracted(t *testing.T) {
	ca := authority.New(t)
	version := func(v uint16, suites ...uint16) *tls.Config {
		c := ca.Server(t)
		c.MinVersion, c.MaxVersion, c.CipherSuites = v, v, suites
		return c
	}
	for name, config := range map[string]*tls.Config{
		"plain": nil, "TLS 1.3": version(tls.VersionTLS13), "TLS 1.2": version(tls.VersionTLS12),
		"TLS 1.2, CBC": version(tls.VersionTLS12, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256),
	} {
		t.Run(name, func(t *testing.T) {
			closing, connections := make(chan struct{}), make(chan int, 10)
			address := listen(t, func(c net.Conn, n int) {
				connections <- n
				if config != nil {
					c = tls.Server(c, config)
				}
				in := bufio.NewReader(c)
				for {
					if _, err := request(c, in); err != nil {
						return
					}
					_, _ = io.WriteString(c, okAnswer)
					if n == 1 {
						<-closing
						c.Close() // with a close_notify
						return
					}
				}
			})
			scheme := "http"
			if config != nil {
				scheme = "https"
			}
			r := newRig(t, scheme+"://"+address, nil)
			c := insecure()
			c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
			r.SetTLS(c)
			first := r.reading(t)
			close(closing)
			for <-connections != 2 { // a new connection shows that the close was noticed
				if err := first.Retracted(); err != nil {
					t.Fatal(err)
				}
				r.synced(t)
			}
			last := r.reading(t)
			r.SetTLS(c)
			r.Close()
			if first.Retracted() != nil || last.Retracted() != nil {
				t.Error("retracted")
			}
		})
	}
}

// Not all data on an idle connection is a response.
func TestWhatTaints(t *testing.T) {
	for name, tt := range map[string]struct {
		idle      time.Duration
		encrypted bool
		sizes     []int
		want      bool
	}{
		"an answer":                  {time.Second, false, []int{58}, true},
		"a byte":                     {time.Second, false, []int{1}, true},
		"a 408 to a long idle one":   {6 * time.Second, false, []int{58}, false},
		"an answer in TLS":           {time.Second, true, []int{80}, true},
		"in pieces":                  {time.Second, true, []int{30, 30, 20}, true},
		"now and then a key update":  {time.Second, true, []int{27, 27, 0, 27, 0, 27, 27}, false},
		"close_notify":               {time.Second, true, []int{24}, false},
		"two alerts, as Java does":   {time.Second, true, []int{31, 31}, false},
		"close_notify with CBC":      {time.Second, true, []int{69}, false},
		"a 408 to a long idle (TLS)": {6 * time.Second, true, []int{200}, false},
	} {
		if got := opsmanager.Taints(tt.idle, tt.encrypted, tt.sizes...); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// duplicating starts a proxy that repeats every n-th response after the delay late.
func duplicating(t *testing.T, server string, n int, late time.Duration) (address string) {
	var mu sync.Mutex
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	count := 0
	return listen(t, func(c net.Conn, _ int) {
		up, err := net.Dial("tcp", server)
		if err != nil {
			return
		}
		defer up.Close()
		all.Go(func() { _, _ = io.Copy(up, c); up.Close() })
		b := make([]byte, 64<<10)
		for {
			k, err := up.Read(b)
			if err != nil {
				return
			}
			mu.Lock()
			_, _ = c.Write(b[:k])
			count++
			if count%n == 0 {
				again := append([]byte(nil), b[:k]...)
				all.Add(1)
				time.AfterFunc(late, func() {
					defer all.Done()
					mu.Lock()
					defer mu.Unlock()
					_, _ = c.Write(again)
				})
			}
			mu.Unlock()
		}
	})
}

// A load balancer sends some responses twice, the second time too late to be detected at
// once. Without retraction, a third of the samples would be wrong if it duplicates all
// responses, and one in twenty if it duplicates one in ten.
func TestDuplicatedAnswers(t *testing.T) {
	ci.Long(t)
	const orgs, scrapes = 50, 20
	id := func(i int) string { return fmt.Sprintf("5f1e9c2b8d3a4e0012ab%04d", i) }
	status := func(i int) opsmanager.Status {
		return []opsmanager.Status{opsmanager.Synced, opsmanager.NotSynced}[i%2]
	}
	for _, n := range []int{1, 10, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			server := serve(t, challenging(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(5 * time.Millisecond)
				var i int
				fmt.Sscanf(strings.Split(r.URL.Path, "/")[5], "5f1e9c2b8d3a4e0012ab%d", &i)
				fmt.Fprintf(w, `{"status":%q}`, status(i))
			}))
			r := newRig(t, "http://"+duplicating(t, strings.TrimPrefix(server, "http://"), n, time.Millisecond), nil)
			var wrong, first, known int
			for scrape := range scrapes {
				readings := make([]opsmanager.Reading, orgs)
				var all sync.WaitGroup
				slots := make(chan struct{}, 16)
				for i := range orgs {
					slots <- struct{}{}
					all.Go(func() {
						defer func() { <-slots }()
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						defer cancel()
						readings[i], _ = r.MigrationLinkStatus(ctx, keyOf(testPublic, testPrivate), id(i))
					})
				}
				all.Wait()
				for i, reading := range readings {
					if reading.Status == "" || reading.Retracted() != nil {
						continue
					}
					known++
					if reading.Status != status(i) {
						wrong++
						if scrape == 0 {
							first++
						}
					}
				}
				time.Sleep(20 * time.Millisecond) // scrapes have pauses between them
			}
			t.Logf("%d of %d samples wrong, %d of them in the first scrape", wrong, known, first)
			if wrong-first > orgs*scrapes/100 || known < orgs*scrapes*9/10 {
				t.Errorf("%d of %d samples wrong after the first scrape", wrong-first, known)
			}
		})
	}
}

// NewConnectionPerRequest opens a connection for each request, and no response can belong
// to another request.
func TestNewConnectionPerRequest(t *testing.T) {
	s := simulate(t, simulator.Options{TLS: authority.New(t).Server(t)}, delayed)
	r := newRig(t, s.URL(), func(o *opsmanager.Options) { o.NewConnectionPerRequest, o.MaxConnections = true, 4 })
	r.SetTLS(insecure())
	r.many(t, 50)
	if c := s.Counts(); c.Connections != c.Requests || c.Requests != 51 || c.MaxInFlight > 4 {
		t.Errorf("got %+v, want 51 requests and as many connections, no more than 4 at once", c)
	}
}
