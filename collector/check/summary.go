package check

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

// summary describes the configuration.
func summary(files *config.Files, cfg *config.Config, warnings int) string {
	rows := [][]string{{"OPS MANAGER", "URL", "ORGANIZATIONS", "CREDENTIALS", "TLS", "PROXY", "TIMEOUT", "CONCURRENCY"}}
	organizations := 0
	for i := range cfg.OpsManagers {
		m := &cfg.OpsManagers[i]
		organizations += len(m.Orgs)
		rows = append(rows, []string{
			text.Printable(m.Name),
			text.Printable(m.URL.String()),
			strconv.Itoa(len(m.Orgs)),
			credentialKinds(m),
			tlsKind(files, m),
			proxyKind(m),
			m.Timeout.String(),
			strconv.Itoa(m.MaxConcurrentRequests),
		})
	}
	result := "no problems found"
	if warnings > 0 {
		result = text.Count(warnings, "warning")
	}
	return fmt.Sprintf("%s: %s, %s, %s\n\n%s", text.Printable(cfg.File),
		text.Count(len(cfg.OpsManagers), "Ops Manager"), text.Count(organizations, "organization"), result, text.Table(rows))
}

// credentialKinds returns the kinds of credentials that organizations are polled with.
func credentialKinds(m *config.OpsManager) string {
	var kinds []string
	for i := range m.Orgs {
		if kind := m.CredentialsOf(&m.Orgs[i]).Kind.String(); !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return strings.Join(kinds, ", ")
}

func tlsKind(files *config.Files, m *config.OpsManager) string {
	if m.URL.Scheme == "http" {
		return "none"
	}
	c := tlsConfig(files, m)
	if c == nil {
		return "unusable" // a file has just disappeared
	}
	kinds := []string{"system CAs"}
	switch {
	case c.InsecureSkipVerify:
		kinds[0] = "not verified"
	case c.RootCAs != nil:
		kinds[0] = "custom CA"
	}
	if c.GetClientCertificate != nil || len(c.Certificates) > 0 {
		kinds = append(kinds, "client certificate")
	}
	if c.ServerName != "" {
		kinds = append(kinds, "server name "+text.Printable(c.ServerName))
	}
	return strings.Join(kinds, ", ")
}

// tlsConfig returns the current TLS configuration, or nil if one of its files
// cannot be used.
func tlsConfig(files *config.Files, m *config.OpsManager) *tls.Config {
	material, err := files.ReadTLS(m.TLS)
	if err != nil {
		return nil
	}
	return material.Config
}

func proxyKind(m *config.OpsManager) string {
	proxy := m.ProxyURL()
	if proxy == nil {
		return "none"
	}
	// URL.String would include the user and password.
	return text.Printable(proxy.Scheme + "://" + proxy.Host)
}
