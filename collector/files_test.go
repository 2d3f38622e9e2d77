package collector_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/testlog"
	"opsmanager_exporter/collector/testkit/wait"
)

// keyFiles writes the key files of the configuration that load writes.
func keyFiles(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"key", "own"} {
		testfile.Write(t, filepath.Join(dir, name+".pub"), publicKey)
		testfile.Write(t, filepath.Join(dir, name+".priv"), privateKey)
	}
	return dir
}

// load writes and loads a configuration of three organizations, the last with its own
// key.
func (f *fixture) load(t *testing.T, dir, more string) {
	t.Helper()
	file := filepath.Join(dir, "opsmanager.yml")
	testfile.Write(t, file, fmt.Sprintf(`ops_managers:
  - url: %s
    name: production
    api_key: {public_key_file: key.pub, private_key_file: key.priv}
    timeout: 1m
    %s
    orgs:
      - id: %s
      - id: %s
      - id: %s
        api_key: {public_key_file: own.pub, private_key_file: own.priv}
`, f.sim.URL(), more, orgID(0), orgID(1), orgID(2)))
	if err := f.exporter.Load(file); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) expect(t *testing.T, when string, want ...string) {
	t.Helper()
	s := f.scrape(t, "60")
	for i, w := range want {
		if got := s.State(t, orgID(i)); got != w {
			t.Errorf("%s: organization %d: got %s, want %s", when, i, got, w)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	var log testlog.Buffer
	f := start(t, settings{orgs: 3, log: &log})
	dir := t.TempDir()
	pub, priv := filepath.Join(dir, "key.pub"), filepath.Join(dir, "key.priv")
	testfile.Write(t, filepath.Join(dir, "own.pub"), publicKey+"\n")
	testfile.Write(t, filepath.Join(dir, "own.priv"), privateKey+"\n")
	f.load(t, dir, "")

	f.expect(t, "key files missing", "credentials", "credentials", "1")
	testfile.Write(t, pub, publicKey)
	f.expect(t, "private key file missing", "credentials", "credentials", "1")
	testfile.Write(t, priv, privateKey)
	f.expect(t, "both there", "1", "1", "1")

	for when, content := range map[string]string{"emptied": "", "two lines": "a\nb\n", "only white space": " \n"} {
		testfile.Write(t, priv, content)
		f.expect(t, when, "1", "1", "1")
	}
	if err := os.Remove(priv); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "removed", "1", "1", "1")

	// Rotated on the server first: rejected until the file is rewritten, with the same
	// size and within the same tick of the file system's clock.
	rotated := strings.ToUpper(privateKey)
	testfile.Write(t, priv, privateKey)
	f.expect(t, "back", "1", "1", "1")
	f.sim.SetKey(publicKey, rotated)
	f.expect(t, "rotated at the server", "unauthorized", "unauthorized", "unauthorized")
	testfile.Write(t, priv, rotated)
	f.expect(t, "rotated in the file", "1", "1", "unauthorized")

	// Rotated in the file first: rejected until rotated on the server.
	third := "third-" + privateKey
	testfile.Write(t, priv, third)
	f.expect(t, "rotated in the file first", "unauthorized", "unauthorized", "unauthorized")
	f.sim.SetKey(publicKey, third)
	f.expect(t, "and then at the server", "1", "1", "unauthorized")
	for _, secret := range []string{publicKey, privateKey, rotated, third} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log.String())
		}
	}
}

func TestCAFile(t *testing.T) {
	t.Parallel()
	ca, other := authority.New(t), authority.New(t)
	f := start(t, settings{orgs: 3, sim: simulator.Options{TLS: ca.Server(t)}})
	dir := keyFiles(t)
	file := filepath.Join(dir, "ca.pem")
	f.load(t, dir, "tls_config: {ca_file: ca.pem}")
	f.expect(t, "CA file missing", "tls", "tls", "tls")
	testfile.Write(t, file, other.PEM())
	f.expect(t, "another CA", "tls", "tls", "tls")
	testfile.Write(t, file, ca.PEM())
	f.expect(t, "the CA", "1", "1", "1")
	testfile.Write(t, file, "")
	f.expect(t, "emptied", "1", "1", "1")
	testfile.Write(t, file, other.PEM())
	f.expect(t, "replaced by another CA", "tls", "tls", "tls")
}

// Concurrent scrapes, key rotations, reloads and a shutdown.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 3})
	dir := t.TempDir()
	keys := []string{"first-private-key", "second-private-key"}
	set := func(i int) {
		f.sim.SetKey(publicKey, keys[i%2])
		testfile.Write(t, filepath.Join(dir, "key.priv"), keys[i%2])
		testfile.Write(t, filepath.Join(dir, "own.priv"), keys[i%2])
	}
	testfile.Write(t, filepath.Join(dir, "key.pub"), publicKey)
	testfile.Write(t, filepath.Join(dir, "own.pub"), publicKey)
	set(0)
	f.load(t, dir, "")
	f.expect(t, "before", "1", "1", "1") // from here on, there is a last good key

	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s, err := get(t, f.url, "60")
				if err != nil {
					t.Error(err)
					return
				}
				for i := range 3 {
					// Between the change on the server and in the file, the key is
					// wrong; there are no other failures.
					if got := s.State(t, orgID(i)); got != "1" && got != "unauthorized" {
						t.Errorf("organization %d: %s", i, got)
					}
				}
			}
		})
	}
	for i := range 60 {
		set(i)
		if i%5 == 0 {
			f.load(t, dir, fmt.Sprintf("max_concurrent_requests: %d", 4+i))
		}
	}
	close(stop)
	wg.Wait()
	f.expect(t, "at rest", "1", "1", "1")

	f.sim.SetOrg(orgID(0), simulator.Org{Answer: simulator.Hang()})
	wg.Go(func() { _, _ = get(t, f.url, "60") }) // in flight at the shutdown
	wait.For(t, "the poll is under way", func() bool { return f.sim.OrgCounts(orgID(0)).InFlight == 1 })
	f.exporter.Close()
	wg.Wait()
}

// A client certificate and its key are replaced by rename and, like Kubernetes does,
// by a directory swap. The next poll uses both.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	serverCA, first, second := authority.New(t), authority.New(t), authority.New(t)
	var trusted atomic.Pointer[x509.CertPool]
	trust := func(a *authority.Authority) { trusted.Store(a.Pool()) }
	trust(first)
	certificates := []tls.Certificate{serverCA.Issue(t)}
	f := start(t, settings{orgs: 3, sim: simulator.Options{TLS: &tls.Config{
		Certificates: certificates,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{
				Certificates: certificates, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted.Load(),
				SessionTicketsDisabled: true,
			}, nil
		},
	}}})
	dir := keyFiles(t)
	testfile.Write(t, filepath.Join(dir, "ca.pem"), serverCA.PEM())
	put := func(a *authority.Authority, into string) {
		if err := os.MkdirAll(into, 0o700); err != nil {
			t.Fatal(err)
		}
		cert, key := authority.PEM(t, a.Issue(t, authority.Client))
		testfile.Write(t, filepath.Join(into, "tls.crt"), cert)
		testfile.Write(t, filepath.Join(into, "tls.key"), key)
	}
	swap := func(to string) { // like the kubelet swaps ..data
		if err := os.Symlink(to, filepath.Join(dir, "..tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "mounted")); err != nil {
			t.Fatal(err)
		}
	}
	f.load(t, dir, "tls_config: {ca_file: ca.pem, cert_file: mounted/tls.crt, key_file: mounted/tls.key}")
	f.expect(t, "no certificate yet", "tls", "tls", "tls")
	put(first, filepath.Join(dir, "..1"))
	swap("..1")
	f.expect(t, "mounted", "1", "1", "1")
	trust(second)
	f.sim.Restart()
	f.expect(t, "rotated at the server first", "tls", "tls", "tls")
	put(second, filepath.Join(dir, "..2"))
	swap("..2")
	f.expect(t, "swapped", "1", "1", "1")

	trust(first)
	f.sim.Restart()
	put(first, filepath.Join(dir, "new"))
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Rename(filepath.Join(dir, "new", name), filepath.Join(dir, "..2", name)); err != nil {
			t.Fatal(err)
		}
	}
	f.expect(t, "renamed", "1", "1", "1")
	if err := os.Remove(filepath.Join(dir, "mounted")); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "vanished", "1", "1", "1")
}
