package faults_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/wait"
)

// spawn starts a proxy and waits until it accepts connections.
func spawn(t *testing.T, address, program string, args ...string) {
	t.Helper()
	p := realprogram.Start(t, exec.Command(program, args...))
	t.Cleanup(func() { p.Signal(t, os.Kill) }) // Tinyproxy misses a SIGTERM just before it waits for connections
	if !p.Ready(t, func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err
	}) {
		t.Fatalf("%s ended instead of serving", program)
	}
}

// stateWith scrapes an Ops Manager with these settings, with or without a proxy.
func stateWith(t *testing.T, url, settings string) string {
	t.Helper()
	w := newWorld(t, 2)
	w.timeout = patient
	w.load(t, nil, manager("behind a proxy", target{url: url, settings: settings}, faultOrg(0)))
	return w.scrape(t).State(t, faultOrg(0))
}

// TestTinyproxy polls through a real proxy, with and without its password.
func TestTinyproxy(t *testing.T) {
	t.Parallel()
	const program = "/usr/bin/tinyproxy"
	realprogram.Need(t, program)
	address := realprogram.FreeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tinyproxy.conf")
	testfile.Write(t, file, fmt.Sprintf("Port %s\nListen 127.0.0.1\nTimeout 60\nMaxClients 100\nBasicAuth prometheus proxypassword\n", port))
	spawn(t, address, program, "-d", "-c", file)

	s := scene{t, []string{faultOrg(0)}}
	ca := authority.New(t)
	trust, _ := trusting(t, ca)
	url := s.simulate(simulator.Options{TLS: ca.Server(t)}).URL()
	plain := s.simulate(simulator.Options{}).URL()
	for _, tt := range []struct{ name, url, settings, want string }{
		{"with the password", url, trust + "\nproxy_url: http://prometheus:proxypassword@" + address, "1"},
		{"without", url, trust + "\nproxy_url: http://" + address, "connect"},
		{"with a wrong one", url, trust + "\nproxy_url: http://prometheus:wrong@" + address, "connect"},
		{"to an unused port", "https://" + freePort(s, "127.0.0.1"), trust + "\nproxy_url: http://prometheus:proxypassword@" + address, "connect"},
		{"without TLS, with the password", plain, "proxy_url: http://prometheus:proxypassword@" + address, "1"},
		{"without TLS, without", plain, "proxy_url: http://" + address, "bad_response"},
	} {
		// Tinyproxy drops a connection if it is stopped and continued while it reads.
		wait.Growing(t, patient, func(time.Duration) error {
			if got := stateWith(t, tt.url, tt.settings); got != tt.want {
				return fmt.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
			}
			return nil
		})
	}
}

// TestProxyThatBreaksTLS polls through a real proxy that intercepts TLS, which is detected
// unless its CA is trusted.
func TestProxyThatBreaksTLS(t *testing.T) {
	t.Parallel()
	const program = "/usr/bin/mitmdump"
	realprogram.Need(t, program)
	address, dir := realprogram.FreeAddress(t), t.TempDir()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	spawn(t, address, program, "--quiet", "--ssl-insecure", "--listen-host", "127.0.0.1", "--listen-port", port, "--set", "confdir="+dir)

	s := scene{t, []string{faultOrg(0)}}
	ca := authority.New(t)
	trust, _ := trusting(t, ca)
	url := s.simulate(simulator.Options{TLS: ca.Server(t)}).URL()
	proxy := "\nproxy_url: http://" + address
	file := filepath.Join(dir, "mitmproxy-ca-cert.pem")
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, settings, want string }{
		{"directly", trust, "1"},
		{"intercepted", trust + proxy, "tls"},
		{"intercepted with a trusted CA", fmt.Sprintf("tls_config: {ca_file: %q}", file) + proxy, "1"},
	} {
		if got := stateWith(t, url, tt.settings); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
