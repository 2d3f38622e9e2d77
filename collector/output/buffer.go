// Package output writes to standard output and standard error without blocking on
// their readers.
package output

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// keep is the maximum size of a buffer that is reused, in bytes.
const keep = 64 << 10

// Buffer is a writer that never blocks on its reader: a goroutine writes the lines to
// the underlying writer. Lines that do not fit into the buffer are dropped as a whole
// and counted, like those that the underlying writer rejects. It is safe for
// concurrent use.
type Buffer struct {
	out   io.Writer
	limit int

	mu      sync.Mutex
	wake    sync.Cond // signaled when there is something to do
	pending []byte
	dropped int // lines since the start
	untold  int // those of them not reported to notice yet
	notice  func(lines int)
	closed  bool
	ended   chan struct{} // closed when the goroutine has ended
}

// NewBuffer returns a buffer for out. It holds at most limit bytes, in addition to up
// to limit bytes that are being written. [Close] stops it.
func NewBuffer(out io.Writer, limit int) *Buffer {
	b := &Buffer{out: out, limit: limit, notice: func(int) {}, ended: make(chan struct{})}
	b.wake.L = &b.mu
	go b.run()
	return b
}

// OnDrain sets a function that is called, from another goroutine, with the number of
// lines dropped since its last call, once out accepts lines again. It may write to
// the buffer.
func (b *Buffer) OnDrain(notice func(lines int)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notice = notice
}

// Write implements io.Writer. It expects whole lines, and never blocks or fails.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.pending)+len(p) > b.limit {
		b.drop(p)
	} else {
		b.pending = append(b.pending, p...)
	}
	b.wake.Signal()
	return len(p), nil
}

// Close waits until everything in the buffers is written, for at most patience in
// total. Later writes to the buffers are dropped.
func Close(patience time.Duration, buffers ...*Buffer) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for _, b := range buffers {
		b.mu.Lock()
		b.closed = true
		b.wake.Signal()
		b.mu.Unlock()
	}
	for _, b := range buffers {
		select {
		case <-b.ended:
		case <-timer.C:
			return
		}
	}
}

// Metric returns a collector of the number of dropped lines.
func (b *Buffer) Metric() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "opsmanager_exporter_log_lines_dropped_total",
		Help: "Total number of log lines dropped because nothing was reading the log.",
	}, func() float64 {
		b.mu.Lock()
		defer b.mu.Unlock()
		return float64(b.dropped)
	})
}

// run writes lines to the underlying writer until the buffer is closed and empty.
func (b *Buffer) run() {
	defer close(b.ended)
	var spare []byte
	working := true // the last write succeeded
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch {
		case len(b.pending) > 0:
			lines := b.pending
			b.pending = spare[:0]
			b.mu.Unlock()
			n, err := b.out.Write(lines)
			b.mu.Lock()
			if working = err == nil; !working {
				b.drop(lines[n:])
			}
			if spare = lines; cap(spare) > keep {
				spare = nil
			}
		case b.untold > 0 && working && !b.closed:
			lines, notice := b.untold, b.notice
			b.untold = 0
			b.mu.Unlock()
			notice(lines)
			b.mu.Lock()
		case b.closed:
			return
		default:
			b.wake.Wait()
		}
	}
}

func (b *Buffer) drop(lines []byte) {
	n := bytes.Count(lines, []byte("\n"))
	b.dropped += n
	b.untold += n
}
