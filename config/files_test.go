package config

import (
	"errors"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func sourceOf(path string) []source { return []source{{"private_key_file", path, maxKeySize}} }

// mustBegin begins a read and returns a function that ends it.
func mustBegin(t *testing.T, f *Files, path string) func() {
	t.Helper()
	end, err := f.begin(sourceOf(path))
	if err != nil {
		t.Fatal(err)
	}
	return end
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

const (
	stuckText    = `private_key_file "a": cannot be read: an earlier read of it has not returned; check that its file system responds`
	allStuckText = `private_key_file "a": cannot be read: too many file reads are stuck: check that the file systems respond`
)

func TestFilesKeepOffAStuckFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFiles()
		end := mustBegin(t, f, "a")
		mustBegin(t, f, "a")() // two scrapes may read one file
		time.Sleep(stuckAfter)
		begun := time.Now()
		_, err := f.begin(sourceOf("a"))
		wantError(t, err, stuckText)
		_, err = f.begin(append(sourceOf("b"), sourceOf("a")...))
		wantError(t, err, stuckText)
		_, err = f.ReadKey(&Credentials{Private: Half{File: "a"}})
		wantError(t, err, stuckText)
		if took := time.Since(begun); took != 0 {
			t.Errorf("took %s", took)
		}
		mustBegin(t, f, "b")()
		end()
		mustBegin(t, f, "a")()
	})
}

func TestFilesBoundReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFiles()
		var ends []func()
		for i := range maxReads {
			ends = append(ends, mustBegin(t, f, strconv.Itoa(i)))
		}
		// A file system that is slow, but not dead, is waited for.
		time.AfterFunc(stuckAfter/2, ends[0])
		begun := time.Now()
		ends[0] = mustBegin(t, f, "last")
		if took := time.Since(begun); took != stuckAfter/2 {
			t.Errorf("took %s", took)
		}
		time.Sleep(stuckAfter / 2)
		// Now all reads but one are stuck, and soon that one is too.
		begun = time.Now()
		_, err := f.begin(sourceOf("a"))
		wantError(t, err, allStuckText)
		if took := time.Since(begun); took > stuckAfter {
			t.Errorf("took %s", took)
		}
		begun = time.Now()
		_, err = f.begin(sourceOf("a"))
		wantError(t, err, allStuckText)
		_, err = f.ReadKey(&Credentials{Private: Half{File: "a"}})
		wantError(t, err, allStuckText)
		_, err = within(f, sourceOf("a"), func() (int, error) { t.Error("read"); return 0, nil })
		wantError(t, err, allStuckText)
		if took := time.Since(begun); took != 0 {
			t.Errorf("took %s", took)
		}
		if _, err := f.ReadKey(&Credentials{Public: Half{Text: NewSecret("a")}, Private: Half{Text: NewSecret("b")}}); err != nil {
			t.Errorf("a key that is in no file: %v", err)
		}
		for _, end := range ends {
			end()
		}
		mustBegin(t, f, "a")()
	})
}

func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFiles()
		if got, err := within(f, sourceOf("a"), func() (int, error) { return 1, errKeyEmpty }); got != 1 || !errors.Is(err, errKeyEmpty) {
			t.Errorf("got %d, %v", got, err)
		}
		answer := make(chan int)
		begun := time.Now()
		got, err := within(f, sourceOf("a"), func() (int, error) { return <-answer, nil })
		wantError(t, err, `private_key_file "a": cannot be read: no response within 10s; check that its file system responds`)
		if took := time.Since(begun); got != 0 || took != readLimit {
			t.Errorf("got %d after %s", got, took)
		}
		_, err = f.begin(sourceOf("a"))
		wantError(t, err, stuckText)
		answer <- 1
		synctest.Wait()
		mustBegin(t, f, "a")()
	})
}

// A reload that follows a stuck one does not get stuck as well.
func TestLoadOfAStuckFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "opsmanager.yml")
	f := NewFiles()
	f.stuckAfter = 0
	end := mustBegin(t, f, file)
	_, err := f.Load(file)
	wantError(t, err, file+": cannot be read: an earlier read of it has not returned; check that its file system responds")
	end()
	_, err = f.Load(file)
	wantError(t, err, file+": no such file or directory: create it or correct the path")
}
