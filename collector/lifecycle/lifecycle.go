// Package lifecycle stops the program on a signal, in time, even if something blocks.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Run runs a command and returns its exit status. The first signal cancels the
// command's context. After a second signal, or if the command has not ended within
// patience after the first, Run reports why, does not wait for the command, and
// returns 1.
func Run(ctx context.Context, signals <-chan os.Signal, patience time.Duration, report func(problem string), command func(context.Context) int) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan int, 1)
	go func() { done <- command(ctx) }()
	select {
	case status := <-done:
		return status
	case <-signals:
		cancel()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case status := <-done:
		return status
	case <-signals:
		report("received a second signal: requests in flight are lost")
	case <-timer.C:
		report(fmt.Sprintf("did not stop within %s of a signal", patience))
	}
	return 1
}

var errStopping = errors.New("the exporter is stopping")

// Do calls f, which may block on a file system that does not respond, and waits until
// it returns or ctx is done, whichever is first.
func Do(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errStopping
	}
}

// OnSignal calls f for each signal, one after another, until ctx is done.
func OnSignal(ctx context.Context, signals <-chan os.Signal, f func()) {
	for {
		select {
		case <-signals:
			f()
		case <-ctx.Done():
			return
		}
	}
}
