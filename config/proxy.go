package config

import (
	"net/http"
	"net/url"

	promconfig "github.com/prometheus/common/config"
)

// Proxy says how to reach an Ops Manager. The zero value means directly. It is
// immutable.
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

// Func returns what the Proxy field of a [http.Transport] takes; nil for no proxy.
func (p Proxy) Func() func(*http.Request) (*url.URL, error) {
	c := p.settings()
	return c.Proxy() // It writes into c, which is a copy.
}

// ConnectHeader returns the header for the proxy's CONNECT request, with its
// secrets; nil if there is none. It is the caller's.
func (p Proxy) ConnectHeader() http.Header {
	c := p.settings()
	if len(c.ProxyConnectHeader) == 0 {
		return nil
	}
	return c.GetProxyConnectHeader()
}

// String returns the address of the proxy without its credentials.
func (p Proxy) String() string {
	if p.settings().ProxyFromEnvironment {
		return "proxy from the environment"
	}
	return p.displayURL()
}

// displayURL returns the proxy's URL with a placeholder for user and password,
// which can be parsed again; "" if there is none.
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
