package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/wait"
)

func TestFaults(t *testing.T) {
	reset := func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }
	eof := func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }
	tests := []struct {
		name   string
		answer Answer
		want   func(error) bool
	}{
		{"truncated", Truncated(), eof},
		{"reset", Reset(), reset},
		{"cut", Cut(), eof},
	}
	for _, secure := range []bool{false, true} {
		for _, tt := range tests {
			for _, when := range []string{"before authentication", "after authentication"} {
				t.Run(tt.name+" "+when+" "+map[bool]string{false: "http", true: "https"}[secure], func(t *testing.T) {
					o, org := Options{}, Org{Answer: tt.answer}
					if secure {
						o.TLS = authority.New(t).Server(t)
					}
					if when == "before authentication" {
						org = Org{BeforeAuth: tt.answer}
					}
					s := start(t, o, org)
					nonce := do(t, client(t), http.MethodGet, s.URL()+"/", "").nonce(t)
					// On a reused connection net/http would retry.
					_, err := request(t.Context(), client(t), http.MethodGet, s.URL()+testPath, authorize("GET", testPath, nonce, "1"))
					if !tt.want(err) {
						t.Errorf("got %v", err)
					}
				})
			}
		}
	}
}

// A waiting handler ends when its client disconnects.
func TestWaitingEndsWithTheClient(t *testing.T) {
	for name, org := range map[string]Org{
		"hang":                       {Answer: Hang()},
		"hang before authentication": {BeforeAuth: Hang()},
		"slow body":                  {Answer: SlowBody(time.Hour)},
		"delay":                      {Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := start(t, Options{}, org), client(t)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			nonce := do(t, c, http.MethodGet, s.URL()+"/", "").nonce(t)
			go func() {
				_, err := request(ctx, c, http.MethodGet, s.URL()+testPath, authorize("GET", testPath, nonce, "1"))
				done <- err
			}()
			wait.For(t, "a request is under way", func() bool { return s.OrgCounts(testOrg).InFlight == 1 })
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			wait.For(t, "no request and no connection is left", func() bool { return s.Counts().InFlight == 0 && s.Counts().Open == 0 })
		})
	}
}

// Close ends waiting handlers, and the client gets a connection error.
func TestWaitingEndsWithClose(t *testing.T) {
	for name, org := range map[string]Org{
		"hang":      {Answer: Hang()},
		"slow body": {Answer: SlowBody(time.Hour)},
		"delay":     {Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := start(t, Options{TLS: authority.New(t).Server(t)}, org), client(t)
			done := make(chan error)
			nonce := do(t, c, http.MethodGet, s.URL()+"/", "").nonce(t)
			go func() {
				_, err := request(t.Context(), c, http.MethodGet, s.URL()+testPath, authorize("GET", testPath, nonce, "1"))
				done <- err
			}()
			wait.For(t, "a request is under way", func() bool { return s.OrgCounts(testOrg).InFlight == 1 })
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if got := s.Counts(); got.InFlight != 0 || got.Open != 0 {
				t.Errorf("after Close: %+v", got)
			}
			if err := <-done; err == nil {
				t.Error("the client got an answer")
			}
		})
	}
}

// Connections without a request do not delay Close.
func TestCloseWithIdleAndSilentConnections(t *testing.T) {
	s := start(t, Options{TLS: authority.New(t).Server(t)}, Org{})
	do(t, client(t), http.MethodGet, s.URL()+testPath, "")
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	silent, err := dialer.DialContext(t.Context(), "tcp", s.URL()[len("https://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	raw, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.URL()[len("https://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	wait.For(t, "three connections are open", func() bool { return s.Counts().Open == 3 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if n := s.Counts().Open; n != 0 {
		t.Errorf("%d open", n)
	}
}
