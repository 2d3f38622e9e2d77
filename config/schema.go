package config

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v4"
)

// maxConcurrentRequests prevents a typo from opening more connections than a host
// has ports.
const maxConcurrentRequests = 10_000

// maxTeam is the maximum length of a team in characters: every info series and
// notification of an organization repeats it.
const maxTeam = 100

// document decodes the root of the file.
func (d *decoder) document(root *yaml.Node) []OpsManager {
	var managers []OpsManager
	v := value{}.child("", root, root.Line)
	lines := d.mapping(v, false, fields{
		"ops_managers": func(v value) {
			n := d.list(v, func(_ int, v value) { managers = append(managers, d.opsManager(v)) })
			if n == 0 {
				d.problem(v, "is empty: list at least one Ops Manager")
			}
		},
	})
	if lines != nil && lines["ops_managers"] == 0 {
		d.missing(v, "ops_managers", "list at least one Ops Manager")
	}
	return managers
}

// missing records that the mapping v lacks a key.
func (d *decoder) missing(v value, key, fix string) {
	d.problem(value{line: v.line, path: join(v.path, key)}, "is missing: %s", fix)
}

func (d *decoder) opsManager(v value) OpsManager {
	m := OpsManager{Timeout: DefaultTimeout, MaxConcurrentRequests: DefaultMaxConcurrentRequests}
	nameAt := value{line: v.line, path: join(v.path, "name")}
	var keyless []int // lines of the organizations without credentials of their own
	var proxy proxyDecoder
	known := fields{
		"name":                    func(v value) { m.Name, nameAt = d.name(v), v },
		"url":                     func(v value) { m.URL = d.apiURL(v) },
		"tls_config":              func(v value) { m.TLS = d.tls(v) },
		"timeout":                 func(v value) { d.timeout(v, &m) },
		"max_concurrent_requests": func(v value) { d.limit(v, &m) },
		"reuse_connections":       func(v value) { m.DisableKeepAlives = !d.boolean(v) },
		"team":                    func(v value) { m.Team = d.team(v) },
		"orgs": func(v value) {
			n := d.list(v, func(_ int, v value) {
				org, hasKey := d.org(v)
				if !hasKey {
					keyless = append(keyless, v.line)
				}
				m.Orgs = append(m.Orgs, org)
			})
			if n == 0 {
				d.problem(v, "is empty: list the organizations to poll")
			}
		},
	}
	d.addCredentials(known, &m.Credentials)
	proxy.addTo(d, known)
	lines := d.mapping(v, false, known)
	if lines == nil {
		return m
	}
	scheme := ""
	if m.URL != nil {
		scheme = m.URL.Scheme
	}
	m.Proxy = proxy.done(d, v, scheme)
	if lines["url"] == 0 {
		d.missing(v, "url", "set it to the address of the web interface, such as https://opsmanager.example.net:8443")
	}
	if lines["orgs"] == 0 {
		d.missing(v, "orgs", "list the organizations to poll")
	}
	if !d.hasCredentials(v, lines) && len(keyless) > 0 {
		d.problem(value{line: v.line, path: join(v.path, "api_key")},
			"is missing, and some orgs have none of their own (%d, the first on line %d): add it, or a service_account, here or to each of them", len(keyless), keyless[0])
	}
	if lines["name"] == 0 && m.URL != nil {
		m.Name = HostPort(m.URL)
	}
	d.uniqueName(nameAt, m.Name, lines["name"] == 0)
	return m
}

// name returns a display name without surrounding spaces, which would be invisible.
func (d *decoder) name(v value) string {
	s, _ := d.text(v)
	return strings.TrimFunc(s, isBlank)
}

func (d *decoder) team(v value) string {
	team := d.name(v)
	if n := utf8.RuneCountInString(team); n > maxTeam {
		d.problem(v, "%s has %d characters: use at most %d", quote(team), n, maxTeam)
		return ""
	}
	return team
}

func (d *decoder) uniqueName(v value, name string, isDefault bool) {
	if name == "" {
		return
	}
	// Browsers collapse spaces.
	shown := strings.Join(strings.FieldsFunc(name, isBlank), " ")
	first, twice := d.nameLines[shown]
	switch {
	case !twice:
		d.nameLines[shown] = v.line
	case isDefault:
		d.problem(v, "%s, the host and port of the url, is already the name of the Ops Manager on line %d: give this one a name", quoteName(name), first)
	default:
		d.problem(v, "%s is already the name of the Ops Manager on line %d: choose another", quoteName(name), first)
	}
}

func (d *decoder) timeout(v value, m *OpsManager) {
	s, ok := d.text(v)
	if !ok {
		return
	}
	t, err := model.ParseDuration(s)
	if err != nil || t <= 0 {
		d.problem(v, "%s is not a positive duration: use a value such as 1500ms, 5s or 1m", quote(s))
		return
	}
	m.Timeout = time.Duration(t)
}

func (d *decoder) limit(v value, m *OpsManager) {
	s, ok := d.text(v)
	if !ok {
		return
	}
	n, err := strconv.Atoi(s)
	if err != nil || strings.Trim(s, "0123456789") != "" || n < 1 || n > maxConcurrentRequests {
		d.problem(v, "%s is not a whole number from 1 to %d", quote(s), maxConcurrentRequests)
		return
	}
	m.MaxConcurrentRequests = n
}

// org decodes one organization and reports whether it has its own credentials.
func (d *decoder) org(v value) (org Org, hasKey bool) {
	known := fields{
		"id":   func(v value) { org.ID = d.orgID(v) },
		"name": func(v value) { org.Name = d.name(v) },
		"team": func(v value) { org.Team = d.team(v) },
	}
	d.addCredentials(known, &org.Credentials)
	lines := d.mapping(v, false, known)
	if lines == nil {
		return org, true // Not an organization, so its credentials do not matter.
	}
	if lines["id"] == 0 {
		d.missing(v, "id", "set it to the organization ID (Ops Manager > Organization > Settings)")
	}
	return org, d.hasCredentials(v, lines)
}

func (d *decoder) orgID(v value) string {
	s, ok := d.text(v)
	if !ok {
		return ""
	}
	id := strings.ToLower(s)
	if len(id) != 24 || strings.Trim(id, "0123456789abcdef") != "" {
		d.problem(v, "%s is not an organization ID: use its 24 hexadecimal digits (Ops Manager > Organization > Settings)", quote(s))
		return ""
	}
	if first, twice := d.orgLines[id]; twice {
		d.problem(v, "%s is already configured on line %d: remove one of the two", quote(s), first)
		return ""
	}
	d.orgLines[id] = v.line
	return id
}
