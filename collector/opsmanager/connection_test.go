package opsmanager_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/clock"
	"opsmanager_exporter/collector/testkit/wait"
)

func TestConnectionsAreKept(t *testing.T) {
	for name, o := range map[string]simulator.Options{
		"HTTP": {}, "HTTPS": {TLS: authority.New(t).Server(t)},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, o, delayed)
			still(t, func(t *testing.T) {
				r := newRig(t, s.URL(), func(o *opsmanager.Options) { o.MaxConnections = 3 })
				r.SetTLS(insecure())
				for range 4 {
					r.many(t, 50)
				}
			})
			if c := s.Counts(); c.Connections > 3 || c.Requests != 201 {
				t.Errorf("got %+v, want at most 3 connections and 201 requests", c)
			}
		})
	}
}

// A kept connection outlives the deadline of the poll that opened it.
func TestKeptConnectionAfterDeadline(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]simulator.Options{
		"HTTP": {}, "HTTPS": {TLS: authority.New(t).Server(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wait.Growing(t, 100*time.Millisecond, func(limit time.Duration) error {
				s := simulate(t, o, simulator.Org{})
				r := newRig(t, s.URL(), nil)
				r.SetTLS(insecure())
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				status, err := r.read(ctx, keyOf(testPublic, testPrivate), testOrg)
				<-ctx.Done()
				time.Sleep(20 * time.Millisecond) // long enough for the deadline to break the connection
				r.synced(t)
				if c := s.Counts(); status != opsmanager.Synced || c.Connections != 1 || c.Requests != 3 {
					return fmt.Errorf("got %q, %w and %+v, want 3 requests on one connection", status, err, c)
				}
				return nil
			})
		})
	}
}

func TestConnectionsThatTheServerCloses(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Org{Answer: simulator.CloseAfter(simulator.Status("SYNCED"))})
	still(t, func(t *testing.T) {
		r := newRig(t, s.URL(), nil)
		for range 20 {
			r.synced(t)
		}
	})
	if c := s.Counts(); c.Requests != 21 || c.Connections != 20 {
		t.Errorf("got %+v, want 21 requests on 20 connections", c)
	}
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n" + `{"status":"SYNCED"}`

// breaking starts a server that sends challenges on separate connections. Of the other
// connections, it responds to the first request of each of the first n once all n have
// arrived, and ends them with end at the second request. Further connections are handled
// by later, which gets the first request.
func breaking(t *testing.T, n int, end func(net.Conn), later func(c net.Conn, in *bufio.Reader, first *http.Request)) string {
	together := make(chan struct{})
	var arrived atomic.Int64
	return "http://" + listen(t, func(c net.Conn, _ int) {
		in := bufio.NewReader(c)
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		number := int64(n + 1)
		if r.Header.Get("Authorization") != "" {
			number = arrived.Add(1)
		} else if arrived.Load() < int64(n) {
			_, _ = io.WriteString(c, strings.Replace(challengeAnswer, "Content", "Connection: close\r\nContent", 1))
			return
		}
		if number > int64(n) {
			later(c, in, r)
			return
		}
		if number == int64(n) {
			close(together)
		}
		<-together
		_, _ = io.WriteString(c, okAnswer)
		if _, err := http.ReadRequest(in); err == nil {
			end(c)
		}
	})
}

// impatient makes polls of a new client not wait for a challenge.
func impatient(o *opsmanager.Options) { o.Timeout = 0 }

// serving serves challenges and statuses on a connection.
func serving(c net.Conn, in *bufio.Reader, r *http.Request) {
	for err := error(nil); err == nil; r, err = http.ReadRequest(in) {
		if r.Header.Get("Authorization") == "" {
			_, _ = io.WriteString(c, challengeAnswer)
		} else {
			_, _ = io.WriteString(c, okAnswer)
		}
	}
}

func TestKeptConnectionsThatBreak(t *testing.T) {
	const n = 5
	ends := map[string]func(net.Conn){
		"closed":             func(net.Conn) {},
		"reset":              reset,
		"cut in the headers": func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX") },
		"cut in the body":    func(c net.Conn) { _, _ = io.WriteString(c, okAnswer[:len(okAnswer)-1]) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			server := breaking(t, n, end, serving)
			still(t, func(t *testing.T) {
				r := newRig(t, server, impatient)
				r.many(t, n)
				r.codes()
				first := 0
				if name == "cut in the body" {
					first = 200
				}
				for range n { // all idle connections are dead
					r.synced(t)
					if codes := r.codes(); !slices.Equal(codes, []int{first, 200}) {
						t.Errorf("got exchanges %v, want one that failed and one on a new connection", codes)
					}
				}
			})
		})
		t.Run(name+", all at once", func(t *testing.T) {
			r := newRig(t, breaking(t, n, end, serving), impatient)
			r.many(t, n)
			r.many(t, 4*n)
		})
	}
	t.Run("not twice", func(t *testing.T) {
		server := breaking(t, n, reset, func(net.Conn, *bufio.Reader, *http.Request) {})
		still(t, func(t *testing.T) {
			r := newRig(t, server, impatient)
			r.many(t, n)
			r.codes()
			status, err := r.poll(t)
			failure{opsmanager.ReasonConnect, 0, "", "EOF"}.check(t, status, err)
			if codes := r.codes(); !slices.Equal(codes, []int{0, 0}) {
				t.Errorf("got exchanges %v, want two that failed", codes)
			}
		})
	})
	t.Run("not a new one", func(t *testing.T) {
		r := newRig(t, "http://"+listen(t, func(c net.Conn, _ int) { _, _ = http.ReadRequest(bufio.NewReader(c)) }), nil)
		status, err := r.poll(t)
		failure{opsmanager.ReasonConnect, 0, "", "EOF"}.check(t, status, err)
		if codes := r.codes(); !slices.Equal(codes, []int{0}) {
			t.Errorf("got exchanges %v, want one that failed", codes)
		}
	})
	t.Run("not an answer", func(t *testing.T) {
		server := breaking(t, 1, func(c net.Conn) { _, _ = io.WriteString(c, "nonsense\r\n\r\n") }, serving)
		still(t, func(t *testing.T) {
			r := newRig(t, server, impatient)
			r.synced(t)
			r.codes()
			status, err := r.poll(t)
			failure{opsmanager.ReasonBadResponse, 0, "", "the response is not valid HTTP"}.check(t, status, err)
		})
	})
}

// A poll that needs a new challenge sends two requests over dead connections, with one
// retry for both.
func TestChallengeOverDeadConnections(t *testing.T) {
	const n = 5
	now := clock.New()
	server := breaking(t, n, reset, serving)
	still(t, func(t *testing.T) {
		r := newRig(t, server, func(o *opsmanager.Options) {
			o.Timeout, o.Sessions = 0, opsmanager.NewSessionsAt(now.Now)
		})
		r.many(t, n)
		now.Advance(time.Minute)
		r.codes()
		r.synced(t)
		if codes := r.codes(); !slices.Equal(codes, []int{0, 401, 200}) {
			t.Errorf("got exchanges %v", codes)
		}
	})
}

// The server may have counted a request whose connection broke: the retry is not a
// replay.
func TestRetryIsNoReplay(t *testing.T) {
	for name, broken := range map[string]simulator.Answer{"reset": simulator.Reset(), "cut": simulator.Cut(), "truncated": simulator.Truncated()} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, simulator.Options{}, simulator.Org{Answer: simulator.Sequence(broken, simulator.Status("SYNCED"))})
			still(t, func(t *testing.T) { newRig(t, s.URL(), nil).synced(t) }) // challenge and request share a connection
			if c := s.Counts(); c.Refused != 0 || c.Requests != 3 {
				t.Errorf("got %+v, want 3 requests, none refused", c)
			}
		})
	}
}

func TestExchanges(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Org{Delay: 20 * time.Millisecond})
	r := newRig(t, s.URL(), nil)
	r.synced(t)
	if len(r.exchanges) != 2 {
		t.Fatalf("got %+v", r.exchanges)
	}
	challenge, answer := r.exchanges[0], r.exchanges[1]
	if challenge.StatusCode != 401 || challenge.Version != "" || challenge.Duration <= 0 {
		t.Errorf("got %+v", challenge)
	}
	if answer.StatusCode != 200 || answer.Version != "8.0.14.500.20250917T0000Z" || answer.Duration < 20*time.Millisecond {
		t.Errorf("got %+v", answer)
	}
}
