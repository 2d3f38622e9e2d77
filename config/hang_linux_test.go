package config

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/testfile"
)

// mountDead mounts a file system that never responds, until abort makes every access to
// it fail.
func mountDead(t *testing.T) (dir string, abort func()) {
	t.Helper()
	device, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("needs FUSE: %v", err)
	}
	dir = t.TempDir()
	if err := syscall.Mount("dead", dir, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device)); err != nil {
		_ = syscall.Close(device)
		t.Skipf("needs the right to mount: %v", err)
	}
	closed := false
	abort = func() {
		if !closed {
			closed = true
			_ = syscall.Close(device)
		}
	}
	t.Cleanup(func() {
		abort()
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, abort
}

// inOwnNamespace runs the test in a separate process, whose mounts always end with it,
// and reports whether this is that process.
func inOwnNamespace(t *testing.T) bool {
	t.Helper()
	const variable = "CONFIG_TEST_NAMESPACE"
	if os.Getenv(variable) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		t.Skipf("needs the right to mount: %v", err)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	}
	return false
}

func TestDeadFileSystem(t *testing.T) {
	if !inOwnNamespace(t) {
		return
	}
	dead, abort := mountDead(t)
	f := NewFiles()
	f.limit, f.stuckAfter = 100*time.Millisecond, 50*time.Millisecond

	file := filepath.Join(dead, "opsmanager.yml")
	_, err := f.Load(file)
	wantError(t, err, file+": cannot be read: no response within 100ms; check that its file system responds")
	_, err = f.Load(file)
	wantError(t, err, file+": cannot be read: an earlier read of it has not returned; check that its file system responds")

	var text strings.Builder
	text.WriteString("ops_managers:\n  - url: https://opsmanager.example.net\n    tls_config: {ca_file: " + dead + "/ca.pem}\n    orgs:\n")
	const orgs = 300
	for i := range orgs {
		fmt.Fprintf(&text, "      - {id: %024x, api_key: {public_key: a, private_key_file: %s/%d.key}}\n", i, dead, i)
	}
	c, err := f.Load(writeConfig(t, text.String()))
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if got := c.Warnings(); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	if got := len(c.CheckFiles()); got != orgs+1 {
		t.Errorf("%d files cannot be read, want %d", got, orgs+1)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	if got := len(f.slots); got != maxReads {
		t.Errorf("%d reads are stuck, want %d", got, maxReads)
	}
	key := &Credentials{Public: Half{Text: NewSecret("a")}, Private: Half{File: filepath.Join(t.TempDir(), "om.key")}}
	testfile.Write(t, key.Private.File, "b")
	_, err = f.ReadKey(key)
	wantError(t, err, fmt.Sprintf("private_key_file %q: cannot be read: too many file reads are stuck: check that the file systems respond", key.Private.File))

	abort()
	for deadline := time.Now().Add(time.Minute); len(f.slots) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d reads are still stuck", len(f.slots))
		}
	}
	if pair, err := f.ReadKey(key); err != nil || pair.Private.Reveal() != "b" {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("the file system answers")
	}
}
