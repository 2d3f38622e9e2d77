package config

import (
	"regexp"

	"go.yaml.in/yaml/v4"
)

// addCredentials adds the settings for credentials, which are decoded into c.
func (d *decoder) addCredentials(known fields, c **Credentials) {
	for _, kind := range []Kind{APIKey, ServiceAccount} {
		known[kind.Setting()] = func(v value) { *c = d.credentials(v, kind) }
	}
}

// settingOf returns the setting that a key belongs under if it is one of credentials, or "".
func settingOf(key string) string {
	for _, kind := range []Kind{APIKey, ServiceAccount} {
		for _, h := range (&Credentials{Kind: kind}).halves() {
			if key == h.setting || key == h.setting+"_file" {
				return kind.Setting()
			}
		}
	}
	return ""
}

// hasCredentials reports whether the mapping v, which has keys on these lines, has
// credentials. It records a problem if there are two kinds.
func (d *decoder) hasCredentials(v value, lines map[string]int) bool {
	key, account := lines[APIKey.Setting()], lines[ServiceAccount.Setting()]
	if key > 0 && account > 0 {
		d.problem(value{line: max(key, account), path: v.path}, "has both %s and %s (lines %d and %d): remove one",
			APIKey.Setting(), ServiceAccount.Setting(), key, account)
	}
	return key > 0 || account > 0
}

// credentials decodes credentials of a kind. It returns nil if v is not a mapping.
func (d *decoder) credentials(v value, kind Kind) *Credentials {
	c := &Credentials{Kind: kind}
	known := fields{}
	for _, h := range c.halves() {
		known[h.setting] = func(v value) { h.Text, _ = d.secret(v) }
		known[h.setting+"_file"] = func(v value) { h.File = d.keyFile(v, h) }
	}
	lines := d.mapping(v, true, known)
	if lines == nil {
		return nil
	}
	for _, h := range c.halves() {
		switch inline, file := lines[h.setting] > 0, lines[h.setting+"_file"] > 0; {
		case inline && file:
			d.problem(v, "has both %s and %s_file: remove one", h.setting, h.setting)
		case !inline && !file:
			d.problem(v, "has neither %s nor %s_file: add one", h.setting, h.setting)
		}
	}
	return c
}

// pathShape matches the beginning of a file name that cannot be that of a half.
var pathShape = regexp.MustCompile(`^\.{0,2}/`)

// keyFile returns the name of a file with one half of credentials. It rejects the
// half itself given by mistake, which would appear in every message about the file.
func (d *decoder) keyFile(v value, h namedHalf) string {
	if s := v.node.Value; v.node.Kind == yaml.ScalarNode && keyShape.MatchString(s) && !pathShape.MatchString(s) {
		d.problem(v, "looks like %s itself: use a file name (prefixed with ./ if it is one), or %s", h.what, h.setting)
		return ""
	}
	return d.file(v)
}
