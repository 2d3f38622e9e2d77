package config

import (
	"net/http"
	"net/url"
	"os"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// Proxy says how to reach an Ops Manager. The zero value means without a proxy.
// It is immutable.
type Proxy struct {
	// A pointer to a pointer for the same reason as in TLS.
	config **promconfig.ProxyConfig
}

func newProxy(c *promconfig.ProxyConfig) Proxy { return Proxy{config: &c} }

// settings returns a copy of the settings.
func (p Proxy) settings() promconfig.ProxyConfig {
	if p.config == nil {
		return promconfig.ProxyConfig{}
	}
	return **p.config
}

// Func returns a function for the Proxy field of a [http.Transport]; nil for no
// proxy.
func (p Proxy) Func() func(*http.Request) (*url.URL, error) {
	c := p.settings()
	return c.Proxy() // It writes into c, which is a copy.
}

// FromEnvironment reports whether the environment says which proxy to use.
func (p Proxy) FromEnvironment() bool { return p.settings().ProxyFromEnvironment }

// ProxyURL returns the proxy for requests to m, nil if there is none.
func (m *OpsManager) ProxyURL() *url.URL {
	find := m.Proxy.Func()
	if find == nil {
		return nil
	}
	proxy, err := find(&http.Request{URL: m.URL})
	if err != nil {
		return nil
	}
	return proxy
}

// EnvironmentProxy returns the proxy that the environment names for requests to
// target and the variable that names it, whether or not a configuration asks for
// it; nil if there is none.
func EnvironmentProxy(target *url.URL) (proxy *url.URL, variable string) {
	variable, address := proxyVariable(target.Scheme)
	if address == "" {
		return nil, ""
	}
	environment := newProxy(&promconfig.ProxyConfig{ProxyFromEnvironment: true})
	proxy, err := environment.Func()(&http.Request{URL: target})
	if err != nil || proxy == nil { // It is excluded by NO_PROXY, or no URL.
		return nil, ""
	}
	return proxy, variable
}

// proxyVariable returns the environment variable that names the proxy for URLs of
// the scheme, and its value. Like net/http it prefers lower case.
func proxyVariable(scheme string) (name, value string) {
	for _, name := range []string{scheme + "_proxy", strings.ToUpper(scheme) + "_PROXY"} {
		if value := os.Getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// ConnectHeader returns the header of CONNECT requests to the proxy, with its
// secrets; nil if there is none. It belongs to the caller.
func (p Proxy) ConnectHeader() http.Header {
	c := p.settings()
	if len(c.ProxyConnectHeader) == 0 {
		return nil
	}
	return c.GetProxyConnectHeader()
}

// String returns the address of the proxy without its credentials.
func (p Proxy) String() string {
	if p.FromEnvironment() {
		return "proxy from the environment"
	}
	return p.displayURL()
}

// displayURL returns the proxy's URL with placeholders for user and password, so
// that it can be parsed again; "" if there is none.
func (p Proxy) displayURL() string {
	c := p.settings()
	if c.ProxyURL.URL == nil {
		return ""
	}
	u := *c.ProxyURL.URL
	if u.User != nil {
		u.User = url.UserPassword("xxxxx", "xxxxx")
	}
	return u.String()
}

// hasCredentials reports whether the configuration holds a secret of the proxy.
func (p Proxy) hasCredentials() bool {
	c := p.settings()
	return len(c.ProxyConnectHeader) > 0 || c.ProxyURL.URL != nil && c.ProxyURL.User != nil
}
