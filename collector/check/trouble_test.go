package check

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// What cannot be had from a server on this machine.
func TestAdviceOnErrors(t *testing.T) {
	file := configuration(t, manager("om", "https://om.example.net", 1, "proxy_url: http://"+proxyUser+":"+proxyPassword+"@proxy.example.net"))
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	atProxy := func(err error) error { return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err} }
	lookup := func(host string, found bool) error { return &net.DNSError{Name: host, IsNotFound: !found} }

	for name, tt := range map[string]struct {
		reason opsmanager.Reason
		err    error
		want   advice
	}{
		"name": {opsmanager.ReasonDNS, dial(lookup("om.example.net", false)), advice{
			`the name "om.example.net" does not resolve`, `Correct the host in url of ops manager "om", or this host's name resolution.`,
		}},
		"name of the proxy": {opsmanager.ReasonDNS, atProxy(dial(lookup("proxy.example.net", false))), advice{
			`the name "proxy.example.net" does not resolve`, `Correct the host in proxy_url of ops manager "om", or this host's name resolution.`,
		}},
		"name servers": {opsmanager.ReasonDNS, dial(lookup("om.example.net", true)), advice{
			`the name servers gave no answer about "om.example.net"`, `See that this host's name servers are configured and can be reached.`,
		}},
		"no route": {opsmanager.ReasonConnect, dial(syscall.EHOSTUNREACH), advice{
			`om.example.net:443 cannot be reached: no route to host`, `See that routes and firewalls let this host reach it, and correct host or port in url of ops manager "om" if they are wrong.`,
		}},
		"no route to the proxy": {opsmanager.ReasonConnect, atProxy(dial(syscall.EHOSTUNREACH)), advice{
			`the proxy proxy.example.net:80 cannot be reached: no route to host`, `See that routes and firewalls let this host reach it, and correct host or port in proxy_url of ops manager "om" if they are wrong.`,
		}},
		"version": {opsmanager.ReasonTLS, errors.New("tls: server selected unsupported protocol version 301"), advice{
			"om.example.net:443 and this host share no TLS version", `Let the server speak TLS 1.2 or newer, or correct min_version and max_version in tls_config of ops manager "om".`,
		}},
		"anything else of TLS": {opsmanager.ReasonTLS, errors.New("x509: \x1b[2J"), advice{"x509: [2J", opsmanager.ReasonTLS.Fix()}},
		"not reached":          {opsmanager.ReasonNotReached, errors.New("no slot"), advice{"no slot", opsmanager.ReasonNotReached.Fix()}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := &trouble{target: targetsOf(cfg)[0], err: &opsmanager.Error{Reason: tt.reason, Err: tt.err}}
			if got := tr.advice(); got != tt.want {
				t.Errorf("got:\n%q\nwant:\n%q", got, tt.want)
			}
		})
	}
}

// Every reason has advice, whatever little is known.
func TestAdviceWithoutDetails(t *testing.T) {
	cfg, err := config.Load(configuration(t, manager("om", "https://om.example.net", 1)))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[advice]opsmanager.Reason)
	for _, reason := range opsmanager.Reasons() {
		tr := &trouble{target: targetsOf(cfg)[0], err: &opsmanager.Error{Reason: reason}, now: time.Now()}
		a := tr.advice()
		if a.problem == "" || a.fix == "" || seen[advice{fix: a.fix}] != "" {
			t.Errorf("%s: %q, the fix of %q", reason, a, seen[advice{fix: a.fix}])
		}
		seen[advice{fix: a.fix}] = reason
	}
	if e := errorOf(fmt.Errorf("odd")); e.Reason != opsmanager.ReasonBadResponse || e.Error() != "odd" {
		t.Errorf("got %v", e)
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"https://om.example.net":        "om.example.net:443",
		"http://om.example.net/om":      "om.example.net:80",
		"socks5://proxy.example.net":    "proxy.example.net:1080",
		"https://[2001:db8::1]":         "[2001:db8::1]:443",
		"https://user:pw@om.example:84": "om.example:84",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := address(u); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
