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
		URL                   string `yaml:"url"`
		Name                  string `yaml:"name"`
		renderedCredentials   `yaml:",inline"`
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
		ID                  string `yaml:"id"`
		Name                string `yaml:"name,omitempty"`
		Team                string `yaml:"team,omitempty"`
		renderedCredentials `yaml:",inline"`
	}
	renderedCredentials struct {
		APIKey         map[string]string `yaml:"api_key,omitempty"`
		ServiceAccount map[string]string `yaml:"service_account,omitempty"`
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
		renderedCredentials:   m.Credentials.rendered(),
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
		r.Orgs = append(r.Orgs, renderedOrg{ID: o.ID, Name: o.Name, Team: o.Team, renderedCredentials: o.Credentials.rendered()})
	}
	return r
}

// rendered returns the settings of c, which may be nil.
func (c *Credentials) rendered() renderedCredentials {
	if c == nil {
		return renderedCredentials{}
	}
	settings := map[string]string{}
	for _, h := range c.halves() {
		if h.File != "" {
			settings[h.setting+"_file"] = h.File
		} else {
			settings[h.setting] = h.Text.String()
		}
	}
	if c.Kind == ServiceAccount {
		return renderedCredentials{ServiceAccount: settings}
	}
	return renderedCredentials{APIKey: settings}
}
