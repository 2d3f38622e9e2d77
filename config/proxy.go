package config

import (
	"net/http"
	"net/url"
	"os"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// Proxy holds the proxy settings of an Ops Manager. The zero value means no proxy. A
// Proxy is immutable.
type Proxy struct {
	// A pointer to a pointer, as in TLS.
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

// Func returns a function for the Proxy field of an [http.Transport], or nil for no
// proxy.
func (p Proxy) Func() func(*http.Request) (*url.URL, error) {
	c := p.settings()
	return c.Proxy() // modifies c, which is a copy
}

// FromEnvironment reports whether the proxy is taken from the environment.
func (p Proxy) FromEnvironment() bool { return p.settings().ProxyFromEnvironment }

// ProxyURL returns the proxy for requests to m, or nil if there is none.
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

// EnvironmentProxy returns the proxy that the environment sets for requests to
// target, and the variable that sets it, whether or not a configuration uses it. The
// proxy is nil if there is none.
func EnvironmentProxy(target *url.URL) (proxy *url.URL, variable string) {
	variable, address := proxyVariable(target.Scheme)
	if address == "" {
		return nil, ""
	}
	environment := newProxy(&promconfig.ProxyConfig{ProxyFromEnvironment: true})
	proxy, err := environment.Func()(&http.Request{URL: target})
	if err != nil || proxy == nil { // excluded by NO_PROXY, or not a URL
		return nil, ""
	}
	return proxy, variable
}

// proxyVariable returns the environment variable that sets the proxy for URLs of the
// scheme, and its value. Like net/http, it prefers lower case.
func proxyVariable(scheme string) (name, value string) {
	for _, name := range []string{scheme + "_proxy", strings.ToUpper(scheme) + "_PROXY"} {
		if value := os.Getenv(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// ConnectHeader returns the header of CONNECT requests to the proxy, including its
// secrets, or nil if there is none. The caller owns it.
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

// displayURL returns the proxy's URL with placeholders for user and password, which
// can be parsed again, or "" if there is none.
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

// hasCredentials reports whether the settings contain a secret.
func (p Proxy) hasCredentials() bool {
	c := p.settings()
	return len(c.ProxyConnectHeader) > 0 || c.ProxyURL.URL != nil && c.ProxyURL.User != nil
}
