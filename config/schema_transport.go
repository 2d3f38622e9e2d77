package config

import (
	"errors"
	"net/http"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v4"
)

// tls decodes tls_config. Its mapping is private: a private key in braces would be
// parsed as a key of the mapping.
func (d *decoder) tls(v value) TLS {
	c := promconfig.TLSConfig{}
	before := len(d.problems)
	lines := d.mapping(v, true, fields{
		"ca":                   func(v value) { c.CA = d.ca(v) },
		"ca_file":              func(v value) { c.CAFile = d.file(v) },
		"cert":                 func(v value) { c.Cert, _ = d.block(v) },
		"cert_file":            func(v value) { c.CertFile = d.file(v) },
		"key":                  func(v value) { k, _ := d.block(v); c.Key = promconfig.Secret(k) },
		"key_file":             func(v value) { c.KeyFile = d.file(v) },
		"server_name":          func(v value) { c.ServerName, _ = d.text(v) },
		"min_version":          func(v value) { c.MinVersion = d.tlsVersion(v) },
		"max_version":          func(v value) { c.MaxVersion = d.tlsVersion(v) },
		"insecure_skip_verify": func(v value) { c.InsecureSkipVerify = d.boolean(v) },
	})
	for _, setting := range []string{"ca", "cert", "key"} {
		if lines[setting] > 0 && lines[setting+"_file"] > 0 {
			d.problem(v, "has both %s and %s_file: remove one", setting, setting)
		}
	}
	if lines == nil || len(d.problems) > before {
		return TLS{}
	}
	if err := c.Validate(); err != nil {
		d.problem(v, "%s", err) // The text is fixed and holds no values.
	}
	if c.MinVersion != 0 && c.MaxVersion != 0 && c.MinVersion > c.MaxVersion {
		d.problem(v, "min_version is newer than max_version: raise max_version or remove it")
	}
	if c == (promconfig.TLSConfig{}) {
		return TLS{} // Same as without the mapping.
	}
	return newTLS(&c)
}

func (d *decoder) ca(v value) string {
	s, ok := d.block(v)
	if !ok {
		return ""
	}
	used, err := certificates(s)
	if damage, ok := errors.AsType[*pemError](err); ok && v.node.Style&yaml.LiteralStyle != 0 && !v.aliased {
		v.line += damage.line // The text begins on the line after the |.
		err = errors.New(damage.text)
	}
	switch {
	case err != nil:
		d.problem(v, "%s", err)
	case used == "":
		d.problem(v, "contains no CA certificate: add one in PEM format as a block (ca: |), including its BEGIN and END lines")
	}
	return s
}

func (d *decoder) tlsVersion(v value) promconfig.TLSVersion {
	s, ok := d.text(v)
	if !ok {
		return 0
	}
	version, ok := promconfig.TLSVersions[s]
	if !ok {
		d.problem(v, "%s is not a TLS version: use TLS10, TLS11, TLS12 or TLS13", quote(s))
	}
	return version
}

// proxyDecoder collects the proxy settings, which are keys of an Ops Manager.
type proxyDecoder struct {
	config promconfig.ProxyConfig
	failed bool
	line   int // of the first setting
}

// addTo adds the proxy settings to the keys of an Ops Manager.
func (p *proxyDecoder) addTo(d *decoder, known fields) {
	c := &p.config
	for key, handle := range (fields{
		"proxy_url":              func(v value) { c.ProxyURL = d.proxyURL(v) },
		"no_proxy":               func(v value) { c.NoProxy, _ = d.text(v) },
		"proxy_from_environment": func(v value) { c.ProxyFromEnvironment = d.boolean(v) },
		"proxy_connect_header":   func(v value) { c.ProxyConnectHeader = d.header(v) },
	}) {
		known[key] = func(v value) {
			before := len(d.problems)
			handle(v)
			p.failed = p.failed || len(d.problems) > before
			if p.line == 0 {
				p.line = v.line
			}
		}
	}
}

// done validates the settings as a whole. scheme is that of the Ops Manager's URL.
func (p *proxyDecoder) done(d *decoder, manager value, scheme string) Proxy {
	c := &p.config
	if p.line == 0 || p.failed {
		return Proxy{}
	}
	if err := c.Validate(); err != nil {
		d.problem(value{line: p.line, path: manager.path}, "%s", err) // The text is fixed and holds no values.
	}
	if variable, address := proxyVariable(scheme); c.ProxyFromEnvironment && address != "" {
		if !strings.Contains(address, "://") {
			address = "http://" + address // As net/http does.
		}
		// net/http would silently ignore an invalid URL.
		d.anyURL(value{line: p.line, path: join(manager.path, "proxy_from_environment: "+variable)}, address, proxySchemes())
	}
	if !c.ProxyFromEnvironment && c.ProxyURL.URL == nil {
		return Proxy{} // Same as without the settings.
	}
	return newProxy(c)
}

func (d *decoder) proxyURL(v value) promconfig.URL {
	s, ok := d.text(v)
	if !ok {
		return promconfig.URL{}
	}
	return promconfig.URL{URL: d.anyURL(v, s, proxySchemes())}
}

func proxySchemes() []string { return []string{"http", "https", "socks5", "socks5h"} }

// header decodes proxy_connect_header. Problems do not name the header, which may be
// a secret given by mistake.
func (d *decoder) header(v value) promconfig.ProxyHeader {
	if !d.ofKind(v, yaml.MappingNode) {
		return nil
	}
	header := promconfig.ProxyHeader{}
	for _, e := range d.entries(v, 0) {
		key := e.at(v.path)
		at := key.child(v.path, e.node, e.line)
		name := http.CanonicalHeaderKey(e.key)
		if !e.plain || !isToken(e.key) {
			d.problem(key, "a key is not a valid HTTP header name: use Name: [value]")
			continue
		}
		if _, twice := header[name]; twice {
			if !e.merged {
				d.problem(key, "a header is given twice: list all its values in one place")
			}
			continue
		}
		var values []promconfig.Secret
		n := d.list(at, func(_ int, v value) {
			v.path = at.path
			if s, ok := d.secret(v); ok {
				values = append(values, promconfig.Secret(s.Reveal()))
			}
		})
		if n == 0 {
			d.problem(at, "a header has no values: use Name: [value] or remove it")
		}
		header[name] = values
	}
	if len(header) == 0 {
		return nil
	}
	return header
}

// isToken reports whether s is a valid HTTP header name.
func isToken(s string) bool {
	const allowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return s != "" && strings.Trim(s, allowed) == ""
}
