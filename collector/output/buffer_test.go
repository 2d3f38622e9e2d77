package output

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// gate completes one write for each value received, with that error or nil.
type gate struct {
	next chan error
	got  strings.Builder
}

func (g *gate) Write(p []byte) (int, error) {
	if err := <-g.next; err != nil {
		return 0, err
	}
	return g.got.Write(p)
}

func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{next: make(chan error)}
		b := NewBuffer(g, 12)
		b.OnDrain(func(lines int) { fmt.Fprintf(b, "lost %d\n", lines) })
		expect := func(dropped float64, read string) {
			t.Helper()
			synctest.Wait()
			if got := value(t, b.Metric()); got != dropped {
				t.Errorf("%v lines dropped, want %v", got, dropped)
			}
			if got := g.got.String(); got != read {
				t.Errorf("read %q, want %q", got, read)
			}
		}
		expect(0, "")
		for _, line := range []string{"taken", "kept", "has no room", "fits", "much too long for the buffer"} {
			if n, err := fmt.Fprintln(b, line); n != len(line)+1 || err != nil {
				t.Errorf("%s: %d, %v", line, n, err)
			}
			synctest.Wait() // the goroutine blocks while writing the first line
		}
		expect(2, "")
		g.next <- nil
		g.next <- nil
		expect(2, "taken\nkept\nfits\n")
		g.next <- nil // reported once it drains
		expect(2, "taken\nkept\nfits\nlost 2\n")

		// A reader that is gone: the line is lost, which is reported only after a later success.
		fmt.Fprintln(b, "gone")
		g.next <- io.ErrClosedPipe
		expect(3, "taken\nkept\nfits\nlost 2\n")
		fmt.Fprintln(b, "back")
		g.next <- nil
		g.next <- nil
		expect(3, "taken\nkept\nfits\nlost 2\nback\nlost 1\n")

		fmt.Fprintln(b, "never read")
		begun := time.Now()
		Close(time.Second, b, NewBuffer(g, 1))
		if took := time.Since(begun); took != time.Second {
			t.Errorf("the end waited %s for a reader that does not read", took)
		}
		fmt.Fprintln(b, "too late")
		expect(4, "taken\nkept\nfits\nlost 2\nback\nlost 1\n")
		g.next <- nil // lets the goroutine end
	})
}

func value(t *testing.T, c prometheus.Collector) float64 {
	t.Helper()
	metrics := make(chan prometheus.Metric, 1)
	c.Collect(metrics)
	var m dto.Metric
	if err := (<-metrics).Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

func TestCloseFlushes(t *testing.T) {
	var got bytes.Buffer
	b := NewBuffer(&got, 1<<20)
	for i := range 1000 {
		fmt.Fprintln(b, "line", i)
	}
	Close(time.Minute, b)
	if lines := strings.Count(got.String(), "\n"); lines != 1000 || !strings.HasSuffix(got.String(), "line 999\n") {
		t.Errorf("%d lines were written", lines)
	}
}

func TestIgnoreClosed(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	if n, err := IgnoreClosed(w).Write([]byte("lost\n")); n != 5 || err != nil {
		t.Errorf("closed pipe: %d, %v", n, err)
	}
	w.Close()
	if _, err := IgnoreClosed(w).Write([]byte("lost\n")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("another error: %v", err)
	}
}
