package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// file returns a file name, made absolute.
func (d *decoder) file(v value) string {
	s, _ := d.text(v)
	return promconfig.JoinDir(d.dir, s)
}

// url returns a URL with one of the schemes and a host and without a user, a
// query and a fragment; nil if v is none.
func (d *decoder) url(v value, schemes ...string) *url.URL {
	s, ok := d.text(v)
	if !ok {
		return nil
	}
	u := d.anyURL(v, s, schemes)
	if u != nil && u.User != nil {
		d.problem(v, "%s has a user: remove what stands before the @, and use api_key", quote(displayURL(s)))
		return nil
	}
	return u
}

// anyURL is like url and allows a user.
func (d *decoder) anyURL(v value, s string, schemes []string) *url.URL {
	shown := quote(displayURL(s))
	u, err := url.Parse(s)
	switch {
	case err != nil:
		// The text of err quotes s, and with it the password.
		d.problem(v, "%s is not a URL: write it like %s://host:port", shown, schemes[0])
	case !slices.Contains(schemes, u.Scheme):
		d.problem(v, "%s does not begin with %s://", shown, strings.Join(schemes, ":// or "))
	case u.Opaque != "" || u.Hostname() == "" || strings.ContainsFunc(u.Host, isOddInHost):
		d.problem(v, "%s has no valid host: write it like %s://host:port", shown, schemes[0])
	case !isPort(u):
		d.problem(v, "%s has no valid port: use a number from 1 to 65535, or leave the colon out", shown)
	case strings.Contains(s, "?"):
		d.problem(v, "%s has a query: remove the ? and what follows it", shown)
	case strings.Contains(s, "#"):
		d.problem(v, "%s has a fragment: remove the # and what follows it", shown)
	default:
		return canonical(u)
	}
	return nil
}

// canonical returns u without the spelling of its path where that says nothing
// more: net/url keeps the text of /é, but not that of /%C3%A9, which it means.
func canonical(u *url.URL) *url.URL {
	c := *u
	c.RawPath = ""
	if c.EscapedPath() != u.EscapedPath() {
		c.RawPath = u.RawPath
	}
	return &c
}

// isOddInHost reports whether r is a character that net/url accepts in a host
// and that no host name has.
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

// displayURL shows what can be shown of a text that should be a URL, even where
// it cannot be parsed: not what may be a user, a password, a query or a fragment.
func displayURL(s string) string {
	// The last @ of all, be it in the path: a password may contain any of / ? # @.
	// A user may have written it as %40.
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
		return scheme + "..." // What follows the @ may be the host or a part of a password or query.
	}
	if last >= 0 {
		s = s[last+1:]
	} else {
		s = s[len(scheme):]
	}
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	// What follows the host and is not a port may be a password whose @ was forgotten.
	host, rest, _ := strings.Cut(s, "/")
	if i := strings.LastIndex(host, ":"); i >= 0 && !strings.HasSuffix(host, "]") && strings.Trim(host[i+1:], "0123456789") != "" {
		return scheme + "..." // and what stands before it the user
	}
	if rest != "" || strings.HasSuffix(s, "/") {
		rest = "/" + rest
	}
	return scheme + host + rest
}
