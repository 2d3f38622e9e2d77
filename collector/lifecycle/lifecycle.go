// Package lifecycle ends what signals end, in time, whatever holds it up.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Run runs a command until it ends, and returns its exit status. The first signal
// ends the command's context. A second one is not waited for, nor is the command
// for longer than patience after the first: then Run reports why and returns 1.
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

// Do calls f, which may touch files that do not answer, and waits until it
// returns or ctx ends, whichever is first.
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

// OnSignal calls f for each signal, one after another, until ctx ends.
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
