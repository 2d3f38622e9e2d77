package config

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/testfile"
)

func wantPair(t *testing.T, k *Credentials, public, private string) {
	t.Helper()
	got, err := k.Read()
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(KeyPair{Kind: k.Kind, Public: NewSecret(public), Private: NewSecret(private)}) {
		t.Errorf("got %q and %q, want %q and %q", got.Public.Reveal(), got.Private.Reveal(), public, private)
	}
}

func TestAPIKeyReadAgain(t *testing.T) {
	dir := t.TempDir()
	k := &Credentials{Public: Half{File: filepath.Join(dir, "pub")}, Private: Half{File: filepath.Join(dir, "key")}}
	testfile.Write(t, k.Public.File, "one")
	testfile.Write(t, k.Private.File, "1111\n")
	wantPair(t, k, "one", "1111")

	// Rewritten in place with equal size, perhaps within one clock tick.
	testfile.Write(t, k.Private.File, "2222\n")
	wantPair(t, k, "one", "2222")

	renamed := filepath.Join(dir, "new")
	testfile.Write(t, renamed, "3333")
	if err := os.Rename(renamed, k.Private.File); err != nil {
		t.Fatal(err)
	}
	wantPair(t, k, "one", "3333")
	wantPair(t, &Credentials{Public: Half{Text: NewSecret("inline")}, Private: Half{File: k.Private.File}}, "inline", "3333")
	wantPair(t, &Credentials{Public: Half{File: k.Public.File}, Private: Half{Text: NewSecret("inline")}}, "one", "inline")
	wantPair(t, &Credentials{Public: Half{Text: NewSecret("a")}, Private: Half{Text: NewSecret("b")}}, "a", "b")
}

// Kubernetes updates a symbolic link to a directory.
func TestAPIKeySwappedDirectory(t *testing.T) {
	ci.Long(t)
	dir := t.TempDir()
	swap := func(name string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Error(err)
		}
		testfile.Write(t, filepath.Join(dir, name, "pub"), "pub-"+name)
		testfile.Write(t, filepath.Join(dir, name, "key"), "key-"+name)
		if err := os.Symlink(name, filepath.Join(dir, "tmp")); err != nil {
			t.Skip(err)
		}
		if err := os.Rename(filepath.Join(dir, "tmp"), filepath.Join(dir, "data")); err != nil {
			t.Error(err)
		}
	}
	k := &Credentials{Public: Half{File: filepath.Join(dir, "data", "pub")}, Private: Half{File: filepath.Join(dir, "data", "key")}}
	swap("one")
	wantPair(t, k, "pub-one", "key-one")
	swap("two")
	wantPair(t, k, "pub-two", "key-two")

	// Halves of two keys are never mixed, whenever the swap happens. Each swap is to a
	// new directory, as in Kubernetes: a swap back while a key is read could not be
	// detected.
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		for i := range 200 {
			swap(strconv.Itoa(i))
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		pair, err := k.Read()
		if err == nil && strings.TrimPrefix(pair.Public.Reveal(), "pub-") != strings.TrimPrefix(pair.Private.Reveal(), "key-") {
			t.Fatalf("got %s with %s", pair.Public.Reveal(), pair.Private.Reveal())
		}
	}
}

func TestAPIKeyFileText(t *testing.T) {
	for name, tc := range map[string]struct{ text, want, err string }{
		"plain":        {text: "s3cr3t", want: "s3cr3t"},
		"LF":           {text: "s3cr3t\n", want: "s3cr3t"},
		"CRLF":         {text: "s3cr3t\r\n", want: "s3cr3t"},
		"spaces":       {text: " \ts3cr3t \n", want: "s3cr3t"},
		"empty":        {err: "is empty: it must contain the key"},
		"white space":  {text: " \n\n", err: "is empty: it must contain the key"},
		"two lines":    {text: "s3cr3t\ns3cr3t", err: "has more than one line: it must contain only the key, on a single line"},
		"blank line":   {text: "s3cr3t\n\n", err: "has more than one line: it must contain only the key, on a single line"},
		"leading line": {text: "\ns3cr3t", err: "has more than one line: it must contain only the key, on a single line"},
		"CR":           {text: "s3cr3t\rs3cr3t", err: "has more than one line: it must contain only the key, on a single line"},
		"NUL":          {text: "s3cr\x003t", err: "contains control characters: it must contain only the key, as plain text"},
		"tab":          {text: "s3cr\t3t", err: "contains control characters: it must contain only the key, as plain text"},
		"UTF-16":       {text: "\xff\xfes\x003\x00", err: "contains control characters: it must contain only the key, as plain text"},
		"BOM":          {text: "\ufeffs3cr3t\r\n", want: "s3cr3t"},
		"two BOMs":     {text: "\ufeff\ufeffs3cr3t", err: "contains control characters: it must contain only the key, as plain text"},
		"only a BOM":   {text: "\ufeff\n", err: "is empty: it must contain the key"},
		"large":        {text: strings.Repeat("s3cr3t", 11000), err: "is larger than 64 KiB: check that this is the right file"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "key")
			testfile.Write(t, file, tc.text)
			if tc.err == "" {
				wantPair(t, &Credentials{Public: Half{Text: NewSecret("a")}, Private: Half{File: file}}, "a", tc.want)
				return
			}
			wantKeyError(t, file, tc.err)
		})
	}
}

// wantKeyError reads file as either half of a key.
func wantKeyError(t *testing.T, file, want string) {
	t.Helper()
	for setting, k := range map[string]*Credentials{
		"public_key_file":  {Public: Half{File: file}, Private: Half{Text: NewSecret("s3cr3t")}},
		"private_key_file": {Public: Half{Text: NewSecret("s3cr3t")}, Private: Half{File: file}},
	} {
		pair, err := k.Read()
		if want := setting + ` "` + file + `": ` + want; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if !pair.Public.IsZero() || !pair.Private.IsZero() {
			t.Error("an error and a key")
		}
	}
}

func TestAPIKeyFileMissing(t *testing.T) {
	dir := t.TempDir()
	wantKeyError(t, filepath.Join(dir, "none"), "no such file or directory: create it or correct the path")
	wantKeyError(t, dir, "is not a regular file: use the path of a file")
}

func TestAPIKeyFileUnreadable(t *testing.T) {
	if os.Getuid() <= 0 {
		t.Skip("root, and every user of Windows, reads all files")
	}
	file := filepath.Join(t.TempDir(), "key")
	testfile.Write(t, file, "s3cr3t")
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	wantKeyError(t, file, "permission denied: make it readable by the exporter's user")
}

func TestReadTogetherNoticesChanges(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	s := source{"private_key_file", file, maxKeySize}
	for name, change := range map[string]func(){
		"removed":   func() { _ = os.Remove(file) },
		"rewritten": func() { testfile.Write(t, file, "2222") },
		"longer":    func() { testfile.Write(t, file, "11111") },
		"replaced": func() {
			testfile.Write(t, file+".new", "1111")
			if err := os.Rename(file+".new", file); err != nil {
				t.Fatal(err)
			}
		},
		"touched": func() {
			if err := os.Chtimes(file, time.Time{}, time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			testfile.Write(t, file, "1111")
			c, err := readFile(file, maxKeySize)
			if err != nil {
				t.Fatal(err)
			}
			if err := unchanged(c, s, true); err != nil {
				t.Errorf("before the change: %v", err)
			}
			change()
			if err := unchanged(c, s, true); err == nil {
				t.Error("not noticed")
			}
		})
	}
}
