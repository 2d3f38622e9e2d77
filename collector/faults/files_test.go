package faults_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/wait"
)

// breakage makes a key or certificate file unusable.
type breakage struct {
	name string
	do   func(t testing.TB, file string)
}

func breakages() []breakage {
	text := func(s string) func(testing.TB, string) {
		return func(t testing.TB, file string) { testfile.Write(t, file, s) }
	}
	return []breakage{
		{"missing", func(testing.TB, string) {}},
		{"empty", text("")},
		{"blank", text(" \n")},
		{"of two lines", text("a\nb\n")},
		{"of zero bytes", text("\x00\x00\x00")},
		{"not UTF-8", text("\xff\xfe\xff")},
		{"a directory", func(t testing.TB, file string) {
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
		}},
		{"a link to nowhere", link("nowhere")},
		{"a link to itself", func(t testing.TB, file string) { link(filepath.Base(file))(t, file) }},
		{"a device", link(os.DevNull)},
		{"a named pipe", testfile.Pipe},
		{"of a gigabyte", func(t testing.TB, file string) {
			testfile.Write(t, file, "")
			if err := os.Truncate(file, 1<<30); err != nil { // a sparse file
				t.Fatal(err)
			}
		}},
		{"in a folder that is a file", func(t testing.TB, file string) {
			dir := filepath.Dir(file)
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			testfile.Write(t, dir, "")
		}},
		{"not to be read", func(t testing.TB, file string) {
			testfile.Write(t, file, "x")
			if err := os.Chmod(file, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := os.ReadFile(file); err == nil { // root can read everything
				testfile.Write(t, file, "")
			}
		}},
	}
}

func link(to string) func(testing.TB, string) {
	return func(t testing.TB, file string) {
		if err := os.Symlink(to, file); err != nil {
			t.Fatal(err)
		}
	}
}

// files are the files of one Ops Manager with TLS, each in a separate directory, so that
// breaking one does not affect the others.
type files struct {
	paths map[string]string
	good  map[string]string
	url   string
}

// kinds returns the kinds of files, with the reason if the file cannot be used.
func kinds() map[string]string {
	return map[string]string{"public key": "credentials", "private key": "credentials", "CA": "tls", "certificate": "tls", "certificate's key": "tls"}
}

func newFiles(s scene) *files {
	ca := authority.New(s)
	server := s.simulate(simulator.Options{TLS: ca.Demand(ca.Server(s))})
	cert, key := authority.PEM(s, ca.Issue(s, authority.Client))
	f := &files{url: server.URL(), paths: make(map[string]string), good: map[string]string{
		"public key": publicKey, "private key": privateKey + "\n", "CA": ca.PEM(), "certificate": cert, "certificate's key": key,
	}}
	for kind := range f.good {
		f.paths[kind] = filepath.Join(s.TempDir(), "files", strings.ReplaceAll(kind, " ", "_"))
		f.mend(s, kind)
	}
	return f
}

// mend makes a file usable.
func (f *files) mend(t testing.TB, kind string) {
	t.Helper()
	f.clear(t, kind)
	testfile.Write(t, f.paths[kind], f.good[kind])
}

func (f *files) clear(t testing.TB, kind string) {
	t.Helper()
	dir := filepath.Dir(f.paths[kind])
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

func (f *files) target() target {
	return target{
		url: f.url,
		key: fmt.Sprintf("{public_key_file: %q, private_key_file: %q}", f.paths["public key"], f.paths["private key"]),
		settings: fmt.Sprintf("tls_config: {ca_file: %q, cert_file: %q, key_file: %q}",
			f.paths["CA"], f.paths["certificate"], f.paths["certificate's key"]),
	}
}

func fileFaults() []fault {
	faults := []fault{{name: "no fault", want: "1", target: func(s scene) target { return newFiles(s).target() }}}
	for kind, reason := range kinds() {
		for _, b := range breakages() {
			faults = append(faults, fault{name: kind + " " + b.name, want: reason, target: func(s scene) target {
				f := newFiles(s)
				f.clear(s, kind)
				b.do(s, f.paths[kind])
				t := f.target()
				t.mend = func() { f.mend(s, kind) }
				return t
			}})
		}
	}
	for name, texts := range map[string][2]string{
		"CA that is a key":                         {"CA", "certificate's key"},
		"CA that is an API key":                    {"CA", "private key"},
		"certificate that is a key":                {"certificate", "certificate's key"},
		"certificate's key of another certificate": {"certificate's key", ""},
		"certificate's key is certificate":         {"certificate's key", "certificate"},
	} {
		faults = append(faults, fault{name: name, want: "tls", target: func(s scene) target {
			f := newFiles(s)
			text := f.good[texts[1]]
			if texts[1] == "" {
				_, text = authority.PEM(s, authority.New(s).Issue(s))
			}
			testfile.Write(s, f.paths[texts[0]], text)
			t := f.target()
			t.mend = func() { f.mend(s, texts[0]) }
			return t
		}})
	}
	return faults
}

// TestFilesThatBreak breaks each usable file in every way: the last good content stays in
// use.
func TestFilesThatBreak(t *testing.T) {
	for kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			wait.Growing(t, pollTimeout, func(timeout time.Duration) error { return breakFile(t, kind, timeout) })
		})
	}
}

func breakFile(t *testing.T, kind string, timeout time.Duration) error {
	w := newWorld(t, 2)
	w.timeout = timeout
	orgs := ids(2, faultOrg)
	f := newFiles(scene{t, orgs})
	w.load(t, nil, manager("files", f.target(), orgs...))
	check := func(when string) error {
		s, err := w.tryScrape(t)
		if err != nil {
			return fmt.Errorf("%s: %w", when, err)
		}
		for _, org := range orgs {
			if got := s.State(t, org); got != "1" {
				return fmt.Errorf("%s: got %s", when, got)
			}
		}
		return nil
	}
	err := check("good")
	for _, b := range breakages() {
		f.clear(t, kind)
		b.do(t, f.paths[kind])
		err = errors.Join(err, check(b.name), check(b.name+", again"))
		f.mend(t, kind)
		err = errors.Join(err, check(b.name+", mended"))
	}
	return err
}
