package advice

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/config"
)

// The secrets of these tests, which no advice may contain.
const (
	proxyUser     = "pr0xy-us3r"
	proxyPassword = "pr0xy-s3cr3t"
)

// manager returns the configuration of an Ops Manager with one more setting.
func manager(t *testing.T, setting string) *config.OpsManager {
	t.Helper()
	cfg, err := config.Load(testfile.New(t, "opsmanager.yml", "ops_managers:\n  - name: om\n    url: https://om.example.net\n    "+setting+
		"\n    api_key: {public_key: a, private_key: b}\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	return &cfg.OpsManagers[0]
}

// Failures that a server on this machine cannot cause.
func TestAdviceOnErrors(t *testing.T) {
	m := manager(t, "proxy_url: http://"+proxyUser+":"+proxyPassword+"@proxy.example.net")
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	atProxy := func(err error) error { return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err} }
	lookup := func(host string, found bool) error { return &net.DNSError{Name: host, IsNotFound: !found} }

	for name, tt := range map[string]struct {
		reason opsmanager.Reason
		err    error
		want   Advice
	}{
		"name": {opsmanager.ReasonDNS, dial(lookup("om.example.net", false)), Advice{
			`the name "om.example.net" does not resolve`, `Correct the host name in url of Ops Manager "om", or fix name resolution on the exporter's host.`,
		}},
		"scrape over": {opsmanager.ReasonTimeout, ErrScrapeOver, Advice{
			"no complete response before the deadline of the scrape", `Check that no firewall between the exporter and om.example.net:443 drops packets, and that Ops Manager is not overloaded. If it is merely slow, increase timeout of Ops Manager "om" and the scrape timeout.`,
		}},
		"name of the proxy": {opsmanager.ReasonDNS, atProxy(dial(lookup("proxy.example.net", false))), Advice{
			`the name "proxy.example.net" does not resolve`, `Correct the host name in proxy_url of Ops Manager "om", or fix name resolution on the exporter's host.`,
		}},
		"name servers": {opsmanager.ReasonDNS, dial(lookup("om.example.net", true)), Advice{
			`the name servers did not answer the query for "om.example.net"`, `Check that the name servers of the exporter's host are configured correctly and reachable.`,
		}},
		"no route": {opsmanager.ReasonConnect, dial(syscall.EHOSTUNREACH), Advice{
			`om.example.net:443 cannot be reached: no route to host`, `Check that routing and firewalls let the exporter connect to it, and that the host and port in url of Ops Manager "om" are correct.`,
		}},
		"no route to the proxy": {opsmanager.ReasonConnect, atProxy(dial(syscall.EHOSTUNREACH)), Advice{
			`the proxy proxy.example.net:80 cannot be reached: no route to host`, `Check that routing and firewalls let the exporter connect to it, and that the host and port in proxy_url of Ops Manager "om" are correct.`,
		}},
		"version": {opsmanager.ReasonTLS, errors.New("tls: server selected unsupported protocol version 301"), Advice{
			"om.example.net:443 supports none of the TLS versions that the exporter offers", `Enable TLS 1.2 or later on the server, or correct min_version and max_version in tls_config of Ops Manager "om".`,
		}},
		"anything else of TLS": {opsmanager.ReasonTLS, errors.New("x509: \x1b[2J"), Advice{"x509: [2J", opsmanager.ReasonTLS.Fix()}},
		"not reached":          {opsmanager.ReasonNotReached, errors.New("no slot"), Advice{"no slot", opsmanager.ReasonNotReached.Fix()}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Of(Trouble{Manager: m, Err: &opsmanager.Error{Reason: tt.reason, Err: tt.err}}); got != tt.want {
				t.Errorf("got:\n%q\nwant:\n%q", got, tt.want)
			}
		})
	}
}

// The advice names the environment variable if its proxy is used, and says so if it is
// set but not used.
func TestAdviceOnProxiesOfTheEnvironment(t *testing.T) {
	const (
		asked  = "proxy_from_environment: true"
		unused = ` HTTPS_PROXY is set in the environment but not used: if Ops Manager is only reachable through that proxy, set proxy_from_environment of Ops Manager "om" to true.`
	)
	refused := func(op string) error {
		return &net.OpError{Op: op, Net: "tcp", Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	}
	for name, tt := range map[string]struct {
		setting, noProxy string
		reason           opsmanager.Reason
		err              error
		want             string // what the fix ends with
	}{
		"refused by the proxy":     {asked, "", opsmanager.ReasonConnect, refused("proxyconnect"), "Check that the proxy is running and that the host and port in the environment variable HTTPS_PROXY are correct. A firewall may also have refused the connection."},
		"name of the proxy":        {asked, "", opsmanager.ReasonDNS, &net.OpError{Op: "proxyconnect", Err: &net.DNSError{Name: "proxy.example.net", IsNotFound: true}}, "Correct the host name in the environment variable HTTPS_PROXY, or fix name resolution on the exporter's host."},
		"credentials of the proxy": {asked, "", opsmanager.ReasonConnect, &opsmanager.ProxyError{StatusCode: 407}, "Add the user and password that the proxy accepts to the environment variable HTTPS_PROXY: http://user:password@host:port."},
		"refused, excluded":        {asked, "example.net", opsmanager.ReasonConnect, refused("connect"), `the host and port in url of Ops Manager "om" are correct. A firewall may also have refused the connection.`},
		"connect, not asked for":   {"timeout: 5s", "", opsmanager.ReasonConnect, refused("connect"), "A firewall may also have refused the connection." + unused},
		"dns, not asked for":       {"timeout: 5s", "", opsmanager.ReasonDNS, &net.DNSError{Name: "om.example.net", IsNotFound: true}, "or fix name resolution on the exporter's host." + unused},
		"timeout, not asked for":   {"timeout: 5s", "", opsmanager.ReasonTimeout, nil, "increase timeout of Ops Manager \"om\" and the scrape timeout." + unused},
		"excluded anyway":          {"timeout: 5s", "example.net", opsmanager.ReasonTimeout, nil, "and the scrape timeout."},
		"another proxy":            {"proxy_url: http://other.example.net", "", opsmanager.ReasonTimeout, nil, "and the scrape timeout."},
		"another reason":           {"timeout: 5s", "", opsmanager.ReasonUnauthorized, nil, "API Keys)."},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"https_proxy", "no_proxy"} {
				t.Setenv(variable, "")
			}
			t.Setenv("HTTPS_PROXY", "http://"+proxyUser+":"+proxyPassword+"@proxy.example.net:3128")
			t.Setenv("NO_PROXY", tt.noProxy)
			m := manager(t, tt.setting)
			got := Of(Trouble{Manager: m, Err: &opsmanager.Error{Reason: tt.reason, Err: tt.err}})
			if !strings.HasSuffix(got.Fix, tt.want) {
				t.Errorf("got:\n%s\nwant at its end:\n%s", got.Fix, tt.want)
			}
			if all := fmt.Sprint(got); strings.Contains(all, proxyUser) || strings.Contains(all, proxyPassword) {
				t.Errorf("shows credentials: %s", all)
			}
		})
	}
}

// Every reason has advice, even without details.
func TestAdviceWithoutDetails(t *testing.T) {
	m := manager(t, "timeout: 5s")
	seen := make(map[string]opsmanager.Reason)
	for _, reason := range opsmanager.Reasons() {
		a := Of(Trouble{Manager: m, Err: &opsmanager.Error{Reason: reason}, At: time.Now()})
		if a.Problem == "" || a.Fix == "" || seen[a.Fix] != "" {
			t.Errorf("%s: %q, the fix of %q", reason, a, seen[a.Fix])
		}
		seen[a.Fix] = reason
	}
	if got, want := Of(Trouble{Manager: m, Err: errors.New("odd")}), (Advice{"odd", opsmanager.ReasonBadResponse.Fix()}); got != want {
		t.Errorf("got %q, want %q", got, want)
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

// Organizations that are polled in different seconds of a scrape have the same
// fix, which the status page shows once.
func TestFixDoesNotDependOnTheTime(t *testing.T) {
	m := manager(t, "timeout: 5s")
	now := time.Date(2026, 1, 2, 3, 4, 59, 0, time.UTC)
	for name, cert := range map[string]*x509.Certificate{
		"expired":       {NotAfter: now.Add(-time.Hour)},
		"not yet valid": {NotBefore: now.Add(time.Hour)},
	} {
		err := &opsmanager.Error{Reason: opsmanager.ReasonTLS, Err: x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired}}
		first, second := Of(Trouble{Manager: m, Err: err, At: now}), Of(Trouble{Manager: m, Err: err, At: now.Add(time.Second)})
		if first.Fix != second.Fix || first.Problem == second.Problem {
			t.Errorf("%s: got %q and, a second later, in the next minute, %q", name, first, second)
		}
	}
}
