package advice

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

// atProxy returns the proxy if the connection to it failed, according to net/http,
// and nil otherwise.
func (t *trouble) atProxy() *url.URL {
	if op, ok := errors.AsType[*net.OpError](t.err.Err); ok && op.Op == "proxyconnect" {
		return t.Manager.ProxyURL()
	}
	return nil
}

// peer names the other end of the failed connection and the setting for it.
func (t *trouble) peer() (name, setting string) {
	if proxy := t.atProxy(); proxy != nil {
		return "the proxy " + address(proxy), t.proxySetting()
	}
	return address(t.Manager.URL), t.setting("url")
}

// proxySetting names the setting of the proxy.
func (t *trouble) proxySetting() string {
	if _, variable := config.EnvironmentProxy(t.Manager.URL); variable != "" && t.Manager.Proxy.FromEnvironment() {
		return "the environment variable " + variable
	}
	return t.setting("proxy_url")
}

// withUnusedProxy adds a hint if the environment sets a proxy that the
// configuration does not use.
func (t *trouble) withUnusedProxy(a Advice) Advice {
	if _, variable := config.EnvironmentProxy(t.Manager.URL); variable != "" && t.Manager.Proxy.Func() == nil {
		a.Fix += fmt.Sprintf(" %s is set in the environment but not used: if Ops Manager is only reachable through that proxy, set %s to true.", variable, t.setting("proxy_from_environment"))
	}
	return a
}

func (t *trouble) dns() Advice {
	dns, ok := errors.AsType[*net.DNSError](t.err.Err)
	if !ok {
		return t.usual()
	}
	_, setting := t.peer()
	if !dns.IsNotFound {
		return Advice{
			Problem: fmt.Sprintf("the name servers did not answer the query for %q", dns.Name),
			Fix:     "Check that the name servers of the exporter's host are configured correctly and reachable.",
		}
	}
	return Advice{
		Problem: fmt.Sprintf("the name %q does not resolve", dns.Name),
		Fix:     fmt.Sprintf("Correct the host name in %s, or fix name resolution on the exporter's host.", setting),
	}
}

func (t *trouble) connect() Advice {
	if refusal, ok := errors.AsType[*opsmanager.ProxyError](t.err.Err); ok {
		return t.proxyRefusal(refusal.StatusCode)
	}
	peer, setting := t.peer()
	dial := dialError(t.err.Err)
	switch {
	case errors.Is(t.err.Err, syscall.ECONNREFUSED):
		server := "Ops Manager"
		if t.atProxy() != nil {
			server = "the proxy"
		}
		return Advice{
			Problem: fmt.Sprintf("nothing is listening at %s: connection refused", peer),
			Fix:     fmt.Sprintf("Check that %s is running and that the host and port in %s are correct. A firewall may also have refused the connection.", server, setting),
		}
	case dial != nil:
		return Advice{
			Problem: fmt.Sprintf("%s cannot be reached: %s", peer, text.Printable(dial.Err.Error())),
			Fix:     fmt.Sprintf("Check that routing and firewalls let the exporter connect to it, and that the host and port in %s are correct.", setting),
		}
	}
	return Advice{
		Problem: fmt.Sprintf("the connection to %s failed or broke before the response was complete", peer),
		Fix:     "Try again: Ops Manager or a load balancer may be restarting. If the problem persists, check the port and any proxy, firewall or load balancer in between.",
	}
}

// dialError returns the part of an error that explains why a connection could not
// be opened, or nil if it was opened.
func dialError(err error) *net.OpError {
	for {
		op, ok := errors.AsType[*net.OpError](err)
		if !ok || op.Op == "dial" {
			return op
		}
		err = op.Err
	}
}

func (t *trouble) proxyRefusal(code int) Advice {
	name := "the proxy"
	if proxy := t.Manager.ProxyURL(); proxy != nil {
		name += " " + address(proxy)
	}
	a := Advice{Problem: fmt.Sprintf("%s refused CONNECT with HTTP %d", name, code)}
	switch code {
	case http.StatusProxyAuthRequired:
		a.Problem += ": it requires credentials"
		a.Fix = t.proxyCredentials()
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		a.Fix = fmt.Sprintf("Check that the proxy can resolve and reach %s.", address(t.Manager.URL))
	default:
		a.Fix = fmt.Sprintf("Configure the proxy to allow CONNECT to %s from the exporter's host, or bypass the proxy (no_proxy).", address(t.Manager.URL))
	}
	return a
}

func (t *trouble) proxyCredentials() string {
	return fmt.Sprintf("Add the user and password that the proxy accepts to %s: http://user:password@host:port.", t.proxySetting())
}

func (t *trouble) timeout() Advice {
	problem := fmt.Sprintf("no complete response within %s", t.Manager.Timeout)
	if t.err.Token {
		problem = fmt.Sprintf("token request: no complete response within %s", t.Manager.Timeout)
	}
	if errors.Is(t.err.Err, ErrScrapeOver) {
		problem = t.text()
	}
	return Advice{
		Problem: problem,
		Fix: fmt.Sprintf("Check that no firewall between the exporter and %s drops packets, and that Ops Manager is not overloaded. If it is merely slow, increase %s and the scrape timeout.",
			address(t.Manager.URL), t.setting("timeout")),
	}
}
