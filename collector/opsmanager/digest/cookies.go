package digest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"time"

	"opsmanager_exporter/config"
)

// Bounds of what is kept with a nonce.
const (
	maxCookies     = 50      // what RFC 6265, section 6.1, asks of a client
	maxCookieBytes = 8 << 10 // more could not be sent: servers take some 8 KiB of header
	maxCookieAge   = 3600    // in seconds, far longer than a nonce lives
)

// cookies are those that a server set together with a nonce, sent by the rules of
// RFC 6265. They are immutable; nil stands for none.
type cookies struct {
	lines []cookieLine
	// jar returns what the lines amount to for a request. It is a function because
	// fmt prints what some pointers lead to.
	jar func(*url.URL) []*http.Cookie
}

// cookieLine is one Set-Cookie line.
type cookieLine struct {
	from               *url.URL // what was asked for
	name, domain, path string
	text               config.Secret // expires at a time, not after one
}

// with returns the cookies as they are after an answer: those that it sets
// replace others or join them. What exceeds the bounds is left out, the oldest
// first.
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
		return c // never: it has no options
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

// replaces tells whether l sets the same cookie as another line.
func (l *cookieLine) replaces(other cookieLine) bool {
	return other.name == l.name && other.domain == l.domain && other.path == l.path
}

// header returns the Cookie header of a request, "" for none.
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
