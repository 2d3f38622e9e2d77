package digest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"time"

	"opsmanager_exporter/config"
)

// Limits of the cookies kept with a nonce.
const (
	maxCookies     = 50      // the minimum that RFC 6265, section 6.1, requires of clients
	maxCookieBytes = 8 << 10 // servers accept about 8 KiB of header
	maxCookieAge   = 3600    // in seconds, far longer than the life of a nonce
)

// cookies are the cookies that a server set together with a nonce. They are sent
// according to RFC 6265. They are immutable; nil means none.
type cookies struct {
	lines []cookieLine
	// jar returns the cookies for a request. It is a function, because fmt follows
	// some pointers and would print a cookie jar.
	jar func(*url.URL) []*http.Cookie
}

// cookieLine is one Set-Cookie line.
type cookieLine struct {
	from               *url.URL // of the request
	name, domain, path string
	text               config.Secret // with Expires instead of Max-Age
}

// with returns the cookies after a response, which may replace and add some. It drops
// the oldest beyond the limits.
func (c *cookies) with(from *url.URL, header http.Header) *cookies {
	set := header["Set-Cookie"]
	if len(set) == 0 {
		return c
	}
	var lines []cookieLine
	if c != nil {
		lines = slices.Clone(c.lines)
	}
	for _, text := range set[:min(len(set), maxCookies)] {
		line, ok := parseCookie(from, text)
		if !ok {
			continue
		}
		if i := slices.IndexFunc(lines, line.replaces); i >= 0 {
			lines[i] = line
		} else {
			lines = append(lines, line)
		}
	}
	size := 0
	for i, line := range slices.Backward(lines) {
		size += len(line.text.Reveal())
		if size > maxCookieBytes || len(lines)-i > maxCookies {
			lines = lines[i+1:]
			break
		}
	}
	jar, err := cookiejar.New(nil) // public suffixes do not matter to one origin
	if err != nil {
		return c // never without options
	}
	for _, line := range lines {
		if cookie, err := http.ParseSetCookie(line.text.Reveal()); err == nil {
			jar.SetCookies(line.from, []*http.Cookie{cookie})
		}
	}
	return &cookies{lines, jar.Cookies}
}

func parseCookie(from *url.URL, text string) (cookieLine, bool) {
	cookie, err := http.ParseSetCookie(text)
	if err != nil {
		return cookieLine{}, false
	}
	if cookie.MaxAge > 0 {
		age := time.Duration(min(cookie.MaxAge, maxCookieAge)) * time.Second
		cookie.Expires, cookie.MaxAge = time.Now().Add(age), 0
	}
	return cookieLine{from, cookie.Name, cookie.Domain, cookie.Path, config.NewSecret(cookie.String())}, true
}

// replaces reports whether l sets the same cookie as another line.
func (l *cookieLine) replaces(other cookieLine) bool {
	return other.name == l.name && other.domain == l.domain && other.path == l.path
}

// header returns the Cookie header of a request, or "" for none.
func (c *cookies) header(target *url.URL) string {
	if c == nil {
		return ""
	}
	req := http.Request{Header: http.Header{}}
	for _, cookie := range c.jar(target) {
		req.AddCookie(cookie)
	}
	return req.Header.Get("Cookie")
}
