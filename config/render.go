package config

import (
	"slices"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"
)

// The rendered types follow the schema of the file.
type (
	renderedConfig struct {
		OpsManagers []renderedManager `yaml:"ops_managers"`
	}
	renderedManager struct {
		URL                   string              `yaml:"url"`
		Name                  string              `yaml:"name"`
		APIKey                *renderedKey        `yaml:"api_key,omitempty"`
		TLS                   *TLS                `yaml:"tls_config,omitempty"`
		ProxyURL              string              `yaml:"proxy_url,omitempty"`
		NoProxy               string              `yaml:"no_proxy,omitempty"`
		ProxyFromEnvironment  bool                `yaml:"proxy_from_environment,omitempty"`
		ProxyConnectHeader    map[string][]string `yaml:"proxy_connect_header,omitempty"`
		Timeout               string              `yaml:"timeout"`
		MaxConcurrentRequests int                 `yaml:"max_concurrent_requests"`
		ReuseConnections      bool                `yaml:"reuse_connections"`
		Team                  string              `yaml:"team,omitempty"`
		Orgs                  []renderedOrg       `yaml:"orgs"`
	}
	renderedOrg struct {
		ID     string       `yaml:"id"`
		Name   string       `yaml:"name,omitempty"`
		Team   string       `yaml:"team,omitempty"`
		APIKey *renderedKey `yaml:"api_key,omitempty"`
	}
	renderedKey struct {
		PublicKey      string `yaml:"public_key,omitempty"`
		PublicKeyFile  string `yaml:"public_key_file,omitempty"`
		PrivateKey     string `yaml:"private_key,omitempty"`
		PrivateKeyFile string `yaml:"private_key_file,omitempty"`
	}
)

// String returns the configuration as YAML, with defaults, absolute file names and
// placeholders for secrets. [Load] accepts it.
func (c *Config) String() string {
	text, err := yaml.Marshal(c)
	if err != nil {
		return "config " + c.File // Never for a configuration that Load returned.
	}
	return string(text)
}

// MarshalYAML returns the value that [Config.String] encodes.
func (c *Config) MarshalYAML() (any, error) {
	r := renderedConfig{}
	for i := range c.OpsManagers {
		r.OpsManagers = append(r.OpsManagers, c.OpsManagers[i].rendered())
	}
	return r, nil
}

func (m *OpsManager) rendered() renderedManager {
	r := renderedManager{
		Name:                  m.Name,
		APIKey:                m.APIKey.rendered(),
		ProxyURL:              m.Proxy.displayURL(),
		Timeout:               model.Duration(m.Timeout).String(),
		MaxConcurrentRequests: m.MaxConcurrentRequests,
		ReuseConnections:      !m.DisableKeepAlives,
		Team:                  m.Team,
	}
	if m.URL != nil {
		r.URL = m.URL.String()
	}
	if m.TLS.config != nil {
		r.TLS = &m.TLS
	}
	p := m.Proxy.settings()
	r.NoProxy = p.NoProxy
	r.ProxyFromEnvironment = p.ProxyFromEnvironment
	r.ProxyConnectHeader = map[string][]string{}
	for name, values := range p.ProxyConnectHeader {
		r.ProxyConnectHeader[name] = slices.Repeat([]string{hidden}, len(values))
	}
	for _, o := range m.Orgs {
		r.Orgs = append(r.Orgs, renderedOrg{ID: o.ID, Name: o.Name, Team: o.Team, APIKey: o.APIKey.rendered()})
	}
	return r
}

func (k *APIKey) rendered() *renderedKey {
	if k == nil {
		return nil
	}
	return &renderedKey{
		PublicKey:      k.PublicKey.String(),
		PublicKeyFile:  k.PublicKeyFile,
		PrivateKey:     k.PrivateKey.String(),
		PrivateKeyFile: k.PrivateKeyFile,
	}
}
