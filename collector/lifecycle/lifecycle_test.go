package lifecycle

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestRun(t *testing.T) {
	const patience = 10 * time.Second
	ends := func(after time.Duration) func(context.Context) int { // after cancellation
		return func(ctx context.Context) int {
			<-ctx.Done()
			time.Sleep(after)
			return 0
		}
	}
	for _, tt := range []struct {
		name    string
		command func(context.Context) int
		signals []time.Duration // when they arrive
		status  int
		took    time.Duration
		problem string
	}{
		{"ends by itself", func(context.Context) int { time.Sleep(time.Minute); return 7 }, nil, 7, time.Minute, ""},
		{"ends in time", ends(5 * time.Second), []time.Duration{time.Second}, 0, 6 * time.Second, ""},
		{"does not end", ends(time.Hour), []time.Duration{time.Second}, 1, time.Second + patience, "did not stop within 10s of a signal"},
		{"a second signal", ends(time.Hour), []time.Duration{time.Second, 2 * time.Second}, 1, 2 * time.Second, "received a second signal: requests in flight are lost"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal, len(tt.signals))
				for _, after := range tt.signals {
					time.AfterFunc(after, func() { signals <- syscall.SIGTERM })
				}
				problem, begun := "", time.Now()
				status := Run(t.Context(), signals, patience, func(p string) { problem = p }, tt.command)
				if took := time.Since(begun); status != tt.status || took != tt.took || problem != tt.problem {
					t.Errorf("status %d after %s, %q; want %d after %s, %q", status, took, problem, tt.status, tt.took, tt.problem)
				}
				time.Sleep(2 * time.Hour) // until the command has ended
			})
		})
	}
}

func TestDo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	if err := Do(ctx, func() error { return io.ErrUnexpectedEOF }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	stuck := make(chan error)
	defer close(stuck)
	go cancel()
	if err := Do(ctx, func() error { return <-stuck }); !errors.Is(err, errStopping) {
		t.Errorf("stuck: got %v", err)
	}
}

func TestOnSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal, 2)
		ctx, cancel := context.WithCancel(t.Context())
		calls, ended := 0, false
		go func() {
			OnSignal(ctx, signals, func() { calls++ })
			ended = true
		}()
		synctest.Wait()
		if calls != 0 {
			t.Errorf("called %d times without a signal", calls)
		}
		signals <- syscall.SIGHUP
		signals <- syscall.SIGHUP
		synctest.Wait()
		if calls != 2 || ended {
			t.Errorf("called %d times for two signals, ended %t", calls, ended)
		}
		cancel()
		synctest.Wait()
		if calls != 2 || !ended {
			t.Errorf("called %d times, ended %t after the context", calls, ended)
		}
	})
}
