package digest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Cookies are sent according to RFC 6265.
func TestCookies(t *testing.T) {
	const orgs = "/om/api/public/v1.0/orgs/"
	here := target(testPath)
	other := target(orgs + "5f1e9c2b8d3a4e0012ab34ce/liveExport/migrationLink/status")
	plain := &url.URL{Scheme: "http", Host: here.Host, Path: here.Path}
	for name, tt := range map[string]struct {
		set    []string
		target *url.URL
		want   string
	}{
		"none":               {nil, here, ""},
		"one":                {[]string{"SRV=b1; path=/"}, other, "SRV=b1"},
		"two":                {[]string{"SRV=b1; path=/", "JSESSIONID=x.y; Path=/om; HttpOnly; SameSite=Lax"}, other, "JSESSIONID=x.y; SRV=b1"},
		"path of its own":    {[]string{"SRV=b1; path=/om/api"}, other, "SRV=b1"},
		"path of another":    {[]string{"SRV=b1; path=/admin"}, here, ""},
		"half a name":        {[]string{"SRV=b1; path=/o"}, here, ""},
		"no path":            {[]string{"SRV=b1"}, here, "SRV=b1"},
		"no path, elsewhere": {[]string{"SRV=b1"}, other, ""},
		"secure":             {[]string{"SRV=b1; path=/; Secure"}, here, "SRV=b1"},
		"secure, in plain":   {[]string{"SRV=b1; path=/; Secure"}, plain, ""},
		"its domain":         {[]string{"SRV=b1; path=/; Domain=example.net"}, here, "SRV=b1"},
		"another domain":     {[]string{"SRV=b1; path=/; Domain=example.org"}, here, ""},
		"a subdomain":        {[]string{"SRV=b1; path=/; Domain=a.om.example.net"}, here, ""},
		"replaced":           {[]string{"SRV=b1; path=/", "SRV=b2; path=/"}, here, "SRV=b2"},
		"deleted":            {[]string{"SRV=b1; path=/", "SRV=; path=/; Max-Age=0"}, here, ""},
		"expired":            {[]string{"SRV=b1; path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, here, ""},
		"for an hour":        {[]string{"SRV=b1; path=/; Max-Age=3600"}, here, "SRV=b1"},
		"for ages":           {[]string{"SRV=b1; path=/; Max-Age=9223372036854775807"}, here, "SRV=b1"},
		"quoted":             {[]string{`SRV="b 1"; path=/`}, here, `SRV="b 1"`},
		"no value":           {[]string{"SRV=; path=/"}, here, "SRV="},
		"nonsense":           {[]string{"", ";", "=", "SRV", "a b=c; path=/", "SRV=\x01; path=/"}, here, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var c *cookies
			for _, line := range tt.set { // one response each
				c = c.with(here, setting(http.Header{}, line))
			}
			if got := c.header(tt.target); got != tt.want {
				t.Errorf("one by one: %q, want %q", got, tt.want)
			}
			c = (*cookies)(nil).with(here, setting(http.Header{}, tt.set...))
			if got := c.header(tt.target); got != tt.want {
				t.Errorf("together: %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCookiesAreBounded(t *testing.T) {
	here := target(testPath)
	many := http.Header{}
	for i := range 5000 {
		many.Add("Set-Cookie", fmt.Sprintf("c%d=x; path=/", i))
	}
	if got := (*cookies)(nil).with(here, many).header(here); !strings.HasPrefix(got, "c0=x; ") || strings.Count(got, "=") != maxCookies {
		t.Errorf("got %s", got) // it should not have read on
	}
	var c *cookies
	for range 3 {
		c = c.with(here, many)
		c = c.with(here, setting(http.Header{}, fmt.Sprintf("d%d=x; path=/", len(c.header(here)))))
	}
	if len(c.lines) > maxCookies {
		t.Errorf("%d cookies", len(c.lines))
	}
	if c = (*cookies)(nil).with(here, setting(http.Header{}, "SRV=b1", "SRV=b2")); len(c.lines) != 1 {
		t.Errorf("%d cookies of one name", len(c.lines))
	}
	big := setting(http.Header{}, "big="+strings.Repeat("x", 6<<10)+"; path=/")
	big = setting(big, "bigger="+strings.Repeat("y", 6<<10)+"; path=/", "SRV=b1; path=/")
	if got := c.with(here, big).header(here); len(got) > 8<<10 || !strings.HasSuffix(got, "SRV=b1") {
		t.Errorf("%d bytes", len(got))
	}
}

// Cookies are sent only with the nonce to which they belong.
func TestCookiesOfANonce(t *testing.T) {
	s := newSession()
	p := begin(t, s)
	if _, _, cookie := p.ask(); cookie != "" {
		t.Errorf("the request for a challenge has %q", cookie)
	}
	p.Refused(p.target, setting(refused("a"), "SRV=b1; path=/", "ID=1; path=/"), false)
	if nonce, _, cookie := p.ask(); nonce != "a" || cookie != "SRV=b1; ID=1" {
		t.Errorf("%s with %q", nonce, cookie)
	}
	p.Answered(p.target, setting(http.Header{}, "ID=2; path=/"), true) // a later response replaces a cookie
	p = begin(t, s)
	if nonce, _, cookie := p.ask(); nonce != "a" || cookie != "SRV=b1; ID=2" {
		t.Errorf("%s with %q", nonce, cookie)
	}
	// A 401 that sets no cookie keeps those of the request.
	p.Refused(p.target, stale("b"), false)
	if nonce, _, cookie := p.ask(); nonce != "b" || cookie != "SRV=b1; ID=2" {
		t.Errorf("%s with %q", nonce, cookie)
	}
	// A 401 that sets a cookie sets it for the new nonce only.
	p.Refused(p.target, setting(stale("c"), "SRV=b2; path=/"), false)
	if nonce, _, cookie := p.ask(); nonce != "c" || cookie != "SRV=b2; ID=2" {
		t.Errorf("%s with %q", nonce, cookie)
	}
	if nonce, _, cookie := begin(t, s).ask(); nonce != "a" || cookie != "SRV=b1; ID=2" {
		t.Errorf("%s with %q", nonce, cookie)
	}
}

// A cookie set with an error of a load balancer is kept too, because it selects a server.
func TestCookiesOfErrors(t *testing.T) {
	s := newSession()
	prime(t, s, "a")
	p := begin(t, s)
	p.ask()
	p.Answered(p.target, setting(http.Header{}, "SRV=b2; path=/"), false)
	if _, _, cookie := begin(t, s).ask(); cookie != "SRV=b2" {
		t.Errorf("got %q", cookie)
	}
}
