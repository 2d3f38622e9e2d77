package lastgood

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector/testkit/testlog"
)

const patience = time.Second

// files simulates files whose reads succeed, fail or hang.
type files struct {
	content string
	err     error
	hang    chan struct{} // blocks reads until closed
	reads   atomic.Int64
}

func (f *files) read() (string, error) {
	f.reads.Add(1)
	content, err := f.content, f.err
	if f.hang != nil {
		<-f.hang
	}
	return content, err
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func expect(t *testing.T, v *Value[string], want string, wantErr error) {
	t.Helper()
	if got, err := v.Get(patience); got != want || !errors.Is(err, wantErr) {
		t.Errorf("got %q, %v, want %q, %v", got, err, want, wantErr)
	}
}

func TestValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log testlog.Buffer
		missing := errors.New("no such file")
		f := &files{err: missing}
		v := New(f.read, NewReads(1), slog.New(slog.NewTextHandler(&log, nil)))
		expect(t, v, "", missing)
		f.content, f.err = "first", nil
		expect(t, v, "first", nil)
		f.err = missing
		expect(t, v, "first", nil)
		expect(t, v, "first", nil)
		f.content, f.err = "second", nil
		expect(t, v, "second", nil)
		if got := log.String(); strings.Count(got, "no such file") != 1 || strings.Count(got, "Configured files can be read again") != 1 {
			t.Errorf("what changes is logged once:\n%s", got)
		}
	})
}

// A stuck read delays no caller for longer than its patience, and there is no concurrent
// second read.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &files{content: "late", hang: make(chan struct{})}
		v := New(f.read, NewReads(1), discard())
		begun := time.Now()
		expect(t, v, "", errStuck)
		if took := time.Since(begun); took != patience {
			t.Errorf("a stuck read took %s, want %s", took, patience)
		}
		begun = time.Now()
		expect(t, v, "", errStuck)
		if took := time.Since(begun); took != 0 || f.reads.Load() != 1 {
			t.Errorf("while one is stuck: %s, %d reads", took, f.reads.Load())
		}
		close(f.hang)
		synctest.Wait()
		f.err = errors.New("no such file")
		expect(t, v, "late", nil) // the result of the stuck read
		f.content, f.err = "good", nil
		expect(t, v, "good", nil)
		f.hang = make(chan struct{})
		expect(t, v, "good", nil)
		close(f.hang)
	})
}

// Of two concurrent reads the later one counts, whichever ends last.
func TestOlderRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := make(chan struct{})
		var reads atomic.Int64
		v := New(func() (string, error) {
			switch reads.Add(1) {
			case 1:
				<-first
				return "older", nil
			case 2:
				return "newer", nil
			}
			return "", errors.New("no such file")
		}, NewReads(2), discard())
		go expect(t, v, "older", nil)
		synctest.Wait()
		expect(t, v, "newer", nil)
		close(first)
		synctest.Wait()
		expect(t, v, "newer", nil)
	})
}

// Each caller has its own patience.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &files{content: "slow", hang: make(chan struct{})}
		v := New(f.read, NewReads(1), discard())
		time.AfterFunc(5*time.Second, func() { close(f.hang) })
		if got, err := v.Get(10 * time.Second); got != "slow" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// The number of stuck reads is limited. Values read before remain available, and no caller
// waits for a slot that does not become free.
func TestReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := NewReads(3)
		v := New(func() (string, error) { return "fine", nil }, reads, discard())
		expect(t, v, "fine", nil)
		hung := &files{hang: make(chan struct{})}
		begun := time.Now()
		for i := range 10 {
			_, err := New(hung.read, reads, discard()).Get(patience)
			if want := map[bool]error{true: errStuck, false: errBusy}[i < 3]; !errors.Is(err, want) {
				t.Errorf("value %d: %v, want %v", i, err, want)
			}
		}
		expect(t, v, "fine", nil) // the last good one
		if took := time.Since(begun); took != 3*patience || hung.reads.Load() != 3 {
			t.Errorf("took %s, %d reads", took, hung.reads.Load())
		}
		close(hung.hang)
		synctest.Wait()
		if _, err := New(v.read, reads, discard()).Get(patience); err != nil {
			t.Errorf("after the file system came back: %v", err)
		}
		synctest.Wait()
		if len(reads.slots) != 0 || reads.stuckReads.Load() != 0 {
			t.Errorf("left behind: %d slots, %d stuck", len(reads.slots), reads.stuckReads.Load())
		}
	})
}
