package check

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"opsmanager_exporter/collector/opsmanager"
)

// Connections are made to a proxy or to Ops Manager itself, and what to look at
// differs. net/http says which one failed.

// atProxy returns the proxy if the failure met it and not Ops Manager.
func (t *trouble) atProxy() *url.URL {
	if op, ok := errors.AsType[*net.OpError](t.err.Err); ok && op.Op == "proxyconnect" {
		return proxyOf(t.manager)
	}
	return nil
}

// peer names whom the failed connection was to, and the setting that says so.
func (t *trouble) peer() (name, setting string) {
	if proxy := t.atProxy(); proxy != nil {
		return "the proxy " + address(proxy), "proxy_url"
	}
	return address(t.manager.URL), "url"
}

func (t *trouble) dns() advice {
	dns, ok := errors.AsType[*net.DNSError](t.err.Err)
	if !ok {
		return t.usual()
	}
	_, setting := t.peer()
	if !dns.IsNotFound {
		return advice{
			fmt.Sprintf("the name servers gave no answer about %q", dns.Name),
			"See that this host's name servers are configured and can be reached.",
		}
	}
	return advice{
		fmt.Sprintf("the name %q does not resolve", dns.Name),
		fmt.Sprintf("Correct the host in %s, or this host's name resolution.", t.setting(setting)),
	}
}

func (t *trouble) connect() advice {
	if refusal, ok := errors.AsType[*opsmanager.ProxyError](t.err.Err); ok {
		return t.proxyRefusal(refusal.StatusCode)
	}
	peer, setting := t.peer()
	dial := dialError(t.err.Err)
	switch {
	case errors.Is(t.err.Err, syscall.ECONNREFUSED):
		server := "Ops Manager"
		if setting == "proxy_url" {
			server = "the proxy"
		}
		return advice{
			fmt.Sprintf("nothing listens at %s: connection refused", peer),
			fmt.Sprintf("See that %s runs, and correct host or port in %s if they are wrong. Some firewalls refuse this way too.", server, t.setting(setting)),
		}
	case dial != nil:
		return advice{
			fmt.Sprintf("%s cannot be reached: %s", peer, printable(dial.Err.Error())),
			fmt.Sprintf("See that routes and firewalls let this host reach it, and correct host or port in %s if they are wrong.", t.setting(setting)),
		}
	}
	return advice{
		fmt.Sprintf("%s closed the connection before a whole answer, or there was none", peer),
		"Try again: Ops Manager or a balancer may be restarting. If it stays so, see what stands on the way (proxy, firewall, balancer) and whether the port is the right one.",
	}
}

// dialError returns the part of an error that says why a connection could not
// be opened, nil if it was opened.
func dialError(err error) *net.OpError {
	for {
		op, ok := errors.AsType[*net.OpError](err)
		if !ok || op.Op == "dial" {
			return op
		}
		err = op.Err
	}
}

func (t *trouble) proxyRefusal(code int) advice {
	name := "the proxy"
	if proxy := proxyOf(t.manager); proxy != nil {
		name += " " + address(proxy)
	}
	a := advice{problem: fmt.Sprintf("%s refused CONNECT with HTTP %d", name, code)}
	switch code {
	case http.StatusProxyAuthRequired:
		a.problem += ": it wants credentials"
		a.fix = t.proxyCredentials()
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		a.fix = fmt.Sprintf("See that the proxy can resolve and reach %s.", address(t.manager.URL))
	default:
		a.fix = fmt.Sprintf("Let the proxy allow CONNECT to %s from this host, or reach it without the proxy (no_proxy).", address(t.manager.URL))
	}
	return a
}

func (t *trouble) proxyCredentials() string {
	return fmt.Sprintf("Give the user and password that the proxy accepts in %s: http://user:password@host:port.", t.setting("proxy_url"))
}

func (t *trouble) timeout() advice {
	setting := t.setting("timeout")
	return advice{
		fmt.Sprintf("no whole answer within %s", t.manager.Timeout),
		fmt.Sprintf("See that no firewall on the way to %s drops packets and that Ops Manager is not overloaded. If it is only slow, raise %s and Prometheus' scrape_timeout.",
			address(t.manager.URL), setting),
	}
}
