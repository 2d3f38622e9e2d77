package config

import (
	"net/http"
	"net/url"

	promconfig "github.com/prometheus/common/config"
)

// Proxy says how to reach an Ops Manager. The zero value means directly. It is
// immutable.
type Proxy struct {
	// Unexported and a pointer, so that no verb of fmt shows a password.
	config *promconfig.ProxyConfig
}

// Func returns what the Proxy field of a [http.Transport] takes; nil for no proxy.
func (p Proxy) Func() func(*http.Request) (*url.URL, error) {
	if p.config == nil {
		return nil
	}
	// A copy, because the method writes into what it is called on.
	c := *p.config
	return c.Proxy()
}

// ConnectHeader returns the header for the proxy's CONNECT request, with its
// secrets; nil if there is none. It is the caller's.
func (p Proxy) ConnectHeader() http.Header {
	if p.config == nil {
		return nil
	}
	return p.config.GetProxyConnectHeader()
}

// String returns the address of the proxy without its credentials.
func (p Proxy) String() string {
	switch {
	case p.config == nil:
		return ""
	case p.config.ProxyFromEnvironment:
		return "proxy from the environment"
	}
	return p.displayURL()
}

// displayURL returns the proxy's URL with a placeholder for user and password,
// and can be parsed again; "" if there is none.
func (p Proxy) displayURL() string {
	if p.config == nil || p.config.ProxyURL.URL == nil {
		return ""
	}
	u := *p.config.ProxyURL.URL
	if u.User != nil {
		u.User = url.UserPassword("xxxxx", "xxxxx")
	}
	return u.String()
}

// hasCredentials reports whether the configuration holds a secret of the proxy.
func (p Proxy) hasCredentials() bool {
	if p.config == nil {
		return false
	}
	return len(p.config.ProxyConnectHeader) > 0 || p.config.ProxyURL.URL != nil && p.config.ProxyURL.User != nil
}
