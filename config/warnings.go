package config

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Warnings returns warnings about settings that are valid but should be changed,
// such as http:// URLs, placeholders instead of keys, and files with secrets that
// every user of this host can read. Each is one line that includes the fix. Warnings
// reads files and gives up after ten seconds on those that do not respond; it leaves
// errors to [Config.CheckFiles].
func (c *Config) Warnings() []string {
	var all []string
	for i := range c.OpsManagers {
		m := &c.OpsManagers[i]
		warn := func(text string) { all = append(all, fmt.Sprintf("Ops Manager %q: %s", m.Name, text)) }
		if m.URL.Scheme == "http" {
			risk := "the status can be read and forged"
			if m.hasServiceAccount() {
				risk = "the secrets and tokens of service accounts can be read, and the status forged,"
			}
			warn(fmt.Sprintf("%s is not encrypted, so %s in transit: use https", m.URL, risk))
		}
		if m.TLS.settings().InsecureSkipVerify {
			warn("insecure_skip_verify lets anyone impersonate Ops Manager: set ca_file instead")
		}
		if m.MaxConcurrentRequests == 1 && len(m.Orgs) > 1 {
			warn("with max_concurrent_requests: 1, an organization that hangs delays all others: use 2 or more, or a timeout well below the scrape timeout")
		}
	}
	for _, k := range c.keys() {
		for _, half := range k.halves() {
			if doubt := doubtful(half.Text); doubt != "" {
				all = append(all, fmt.Sprintf("%s: %s %s, or use %s_file", k.owner, half.setting, doubt, half.setting))
			}
		}
	}
	f := c.reader()
	var checks []func() []string
	for _, s := range c.secretFiles() {
		checks = append(checks, func() []string { return f.warnings(s) })
	}
	return append(all, together(checks)...)
}

// warnings reads a file that contains a secret and returns warnings about it.
func (f *Files) warnings(s source) []string {
	found, err := within(f, []source{s}, s.read)
	if err != nil {
		return nil
	}
	var all []string
	// On Windows the permission bits mean nothing.
	if found.info.Mode()&0o004 != 0 && runtime.GOOS != "windows" {
		all = append(all, fmt.Sprintf("%s %q is readable by every user of this host: run chmod o-r on it", s.setting, s.path))
	}
	if s.limit == maxKeySize {
		if key, err := cleanKey(string(found.text)); err == nil {
			if doubt := doubtful(key); doubt != "" {
				all = append(all, fmt.Sprintf("%s %q: the text %s", s.setting, s.path, doubt))
			}
		}
	}
	return all
}

// placeholder matches the placeholders for a key in templates and examples.
var placeholder = regexp.MustCompile(`(?i)^(\$\{.*\}|\$\(.*\)|\$\w+|%\w+%|<.*>|\{\{.*\}\}|change[-_ ]?me)$`)

// doubtful explains why a key is probably not a real one, with the fix. It returns ""
// if the key may be real.
func doubtful(key Secret) string {
	text := key.Reveal()
	switch {
	case len(text) > 1 && strings.ContainsRune("\"'`", rune(text[0])) && text[0] == text[len(text)-1]:
		return "is quoted, and the quotes are taken as part of it: remove them"
	case placeholder.MatchString(text):
		return "looks like a placeholder, which is not expanded: use the value itself"
	}
	return ""
}

// secretFiles returns the files that contain secrets, each once.
func (c *Config) secretFiles() []source {
	var all []source
	if c.hasInlineSecret() {
		all = append(all, source{"configuration file", c.File, maxFileSize})
	}
	for _, k := range c.keys() {
		all = append(all, k.sources()...)
	}
	for _, m := range c.OpsManagers {
		if file := m.TLS.settings().KeyFile; file != "" {
			all = append(all, source{"key_file", file, maxCertSize})
		}
	}
	return unique(all, func(s source) string { return s.path })
}

// hasServiceAccount reports whether any credentials are those of a service account, be it
// one that no organization is polled with: orgs lists what it can see.
func (m *OpsManager) hasServiceAccount() bool {
	return m.Credentials != nil && m.Credentials.Kind == ServiceAccount || slices.ContainsFunc(m.Orgs, func(o Org) bool { return m.CredentialsOf(&o).Kind == ServiceAccount })
}

func (c *Config) hasInlineSecret() bool {
	for _, m := range c.OpsManagers {
		if m.Proxy.hasCredentials() || m.TLS.settings().Key != "" {
			return true
		}
	}
	for _, k := range c.keys() {
		if !k.Private.Text.IsZero() {
			return true
		}
	}
	return false
}

// ownedKey is credentials and a description of their owner.
type ownedKey struct {
	*Credentials
	owner string
}

// keys returns the credentials in file order.
func (c *Config) keys() []ownedKey {
	var all []ownedKey
	for _, m := range c.OpsManagers {
		if m.Credentials != nil {
			all = append(all, ownedKey{m.Credentials, fmt.Sprintf("Ops Manager %q", m.Name)})
		}
		for _, o := range m.Orgs {
			if o.Credentials != nil {
				all = append(all, ownedKey{o.Credentials, "organization " + o.ID})
			}
		}
	}
	return all
}
