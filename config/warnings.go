package config

import (
	"fmt"
	"os"
	"runtime"
)

// Warnings returns what is allowed and should not stay: http:// URLs,
// certificates that are not verified, and files with secrets that every user of
// this host can read. Each is one line that says what to do.
func (c *Config) Warnings() []string {
	var all []string
	for i := range c.OpsManagers {
		m := &c.OpsManagers[i]
		if m.URL.Scheme == "http" {
			all = append(all, fmt.Sprintf("ops manager %q: %s is not encrypted, so that the status can be read and forged on its way: use https", m.Name, m.URL))
		}
		if m.TLS.settings().InsecureSkipVerify {
			all = append(all, fmt.Sprintf("ops manager %q: insecure_skip_verify lets anyone pose as it: set ca_file instead", m.Name))
		}
	}
	if runtime.GOOS == "windows" {
		return all // The permission bits mean nothing there.
	}
	seen := map[string]bool{}
	for _, f := range c.secretFiles() {
		if seen[f.path] {
			continue
		}
		seen[f.path] = true
		// A file that is missing is the business of CheckFiles.
		if info, err := os.Stat(f.path); err == nil && info.Mode()&0o004 != 0 {
			all = append(all, fmt.Sprintf("%s %q can be read by every user of this host: chmod o-r it", f.setting, f.path))
		}
	}
	return all
}

// secretFiles returns all files that hold secrets, some perhaps repeatedly.
func (c *Config) secretFiles() []source {
	var all []source
	add := func(setting, path string) {
		if path != "" {
			all = append(all, source{setting: setting, path: path})
		}
	}
	if c.hasInlineSecret() {
		add("configuration file", c.File)
	}
	for _, k := range c.keys() {
		add("public_key_file", k.PublicKeyFile)
		add("private_key_file", k.PrivateKeyFile)
	}
	for _, m := range c.OpsManagers {
		add("key_file", m.TLS.settings().KeyFile)
	}
	return all
}

func (c *Config) hasInlineSecret() bool {
	for _, m := range c.OpsManagers {
		if m.Proxy.hasCredentials() || m.TLS.settings().Key != "" {
			return true
		}
	}
	for _, k := range c.keys() {
		if !k.PrivateKey.IsZero() {
			return true
		}
	}
	return false
}

// keys returns the API keys in the order of the file.
func (c *Config) keys() []*APIKey {
	var all []*APIKey
	for _, m := range c.OpsManagers {
		if m.APIKey != nil {
			all = append(all, m.APIKey)
		}
		for _, o := range m.Orgs {
			if o.APIKey != nil {
				all = append(all, o.APIKey)
			}
		}
	}
	return all
}

// CheckFiles reads all key and certificate files, each by itself and then those
// that belong together, and returns an error for each that cannot be used now. Such a source is no reason to refuse a
// configuration: the files may come later.
func (c *Config) CheckFiles() []error {
	var all []error
	seen := map[string]bool{}
	add := func(err error) {
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			all = append(all, err)
		}
	}
	for _, k := range c.keys() {
		before := len(all)
		for _, half := range []APIKey{{PublicKeyFile: k.PublicKeyFile}, {PrivateKeyFile: k.PrivateKeyFile}} {
			_, err := half.Read()
			add(err)
		}
		if len(all) == before {
			_, err := k.Read()
			add(err)
		}
	}
	for _, m := range c.OpsManagers {
		before := len(all)
		for _, s := range m.TLS.sources() {
			if _, err := readFile(s.path, s.limit); err != nil {
				add(s.wrap(err))
			}
		}
		if len(all) == before {
			_, err := m.TLS.Read()
			add(err)
		}
	}
	return all
}
