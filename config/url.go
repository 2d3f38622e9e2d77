package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	promconfig "github.com/prometheus/common/config"
)

// file returns a file name as an absolute path.
func (d *decoder) file(v value) string {
	s, _ := d.text(v)
	return promconfig.JoinDir(d.dir, s)
}

// apiURL returns the URL of an Ops Manager, or nil if v is invalid.
func (d *decoder) apiURL(v value) *url.URL {
	s, ok := d.text(v)
	if !ok {
		return nil
	}
	u := d.anyURL(v, s, []string{"https", "http"})
	switch {
	case u == nil:
	case u.User != nil:
		d.problem(v, "%s contains a user: remove everything before the @, and use api_key", quote(displayURL(s)))
	case strings.HasSuffix(strings.ToLower(strings.TrimRight(u.Path, "/")), apiPath):
		d.problem(v, "%s ends in %s, which the exporter adds: remove that part", quote(displayURL(s)), apiPath)
	default:
		return u
	}
	return nil
}

// apiPath is the end of the base URL in the API documentation.
const apiPath = "/api/public/v1.0"

// anyURL returns a URL with one of the schemes, a host and optionally a user, but
// no query or fragment. It returns nil if s is not such a URL.
func (d *decoder) anyURL(v value, s string, schemes []string) *url.URL {
	shown := quote(displayURL(s))
	u, err := url.Parse(s)
	switch {
	case strings.TrimFunc(s, isBlank) != s:
		d.problem(v, "%s begins or ends with a space, perhaps a no-break space: remove it", shown)
	case err != nil:
		// The text of err quotes s, including the password.
		d.problem(v, "%s is not a URL: use the form %s://host:port", shown, schemes[0])
	case !slices.Contains(schemes, u.Scheme):
		d.problem(v, "%s does not begin with %s://", shown, strings.Join(schemes, ":// or "))
	case u.Opaque != "" || u.Hostname() == "" || strings.ContainsFunc(u.Host, isOddInHost):
		d.problem(v, "%s has no valid host: use the form %s://host:port", shown, schemes[0])
	case !isPort(u):
		d.problem(v, "%s has no valid port: use a number from 1 to 65535, or remove the colon", shown)
	case strings.Contains(s, "?"):
		d.problem(v, "%s has a query: remove the ? and everything after it", shown)
	case strings.Contains(s, "#"):
		d.problem(v, "%s has a fragment: remove the # and everything after it", shown)
	default:
		return canonical(u)
	}
	return nil
}

// HostPort returns the host and port of a URL. The port defaults to that of the scheme.
func HostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// isBlank reports whether r is displayed as a space or not at all.
func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }

// canonical returns u without RawPath if that is redundant: net/url keeps it for
// /é, but not for the equivalent /%C3%A9.
func canonical(u *url.URL) *url.URL {
	c := *u
	c.RawPath = ""
	if c.EscapedPath() != u.EscapedPath() {
		c.RawPath = u.RawPath
	}
	return &c
}

// isOddInHost reports whether r never occurs in a host name, although net/url
// accepts it there.
func isOddInHost(r rune) bool {
	return isUnprintable(r) || strings.ContainsRune(" \"'<>\\^`{|}%$&()*+,;=!~", r)
}

func isPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n >= 1 && n <= 65535
}

// displayURL returns the part of an intended URL that is safe to show, even if it
// cannot be parsed. It removes anything that may be a user, a password, a query or
// a fragment.
func displayURL(s string) string {
	// The last @, even in the path: a password may contain any of / ? # @. It may
	// also be written as %40.
	last := strings.LastIndex(s, "@")
	if i := strings.LastIndex(s, "%40"); i > last {
		last = i + len("%40") - 1
	}
	scheme := ""
	for _, known := range []string{"http://", "https://", "socks5://", "socks5h://"} {
		if len(s) >= len(known) && strings.EqualFold(s[:len(known)], known) {
			scheme = known
		}
	}
	if _, err := url.Parse(s); last >= 0 && (err != nil || strings.ContainsAny(s[:last], "?#")) {
		return scheme + "..." // What follows the @ may be the host or part of a password or query.
	}
	if last >= 0 {
		s = s[last+1:]
	} else {
		s = s[len(scheme):]
	}
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	// Anything but a port after the host may be a password whose @ is missing.
	host, rest, _ := strings.Cut(s, "/")
	if i := strings.LastIndex(host, ":"); i >= 0 && !strings.HasSuffix(host, "]") && strings.Trim(host[i+1:], "0123456789") != "" {
		return scheme + "..." // The part before it may be the user.
	}
	if rest != "" || strings.HasSuffix(s, "/") {
		rest = "/" + rest
	}
	return scheme + host + rest
}
