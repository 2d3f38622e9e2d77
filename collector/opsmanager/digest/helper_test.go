package digest

import (
	"net/http"
	"net/url"
	"testing"

	"opsmanager_exporter/collector/testkit/clock"
	"opsmanager_exporter/config"
)

const (
	testPublic  = "jkqmzxvt"
	testPrivate = "4f7c1f0e-7d0a-4b8f-9a3c-2f5d8e6b1c90"
	testPath    = "/om/api/public/v1.0/orgs/5f1e9c2b8d3a4e0012ab34cd/liveExport/migrationLink/status"
)

func testKey() config.KeyPair {
	return config.KeyPair{Public: config.NewSecret(testPublic), Private: config.NewSecret(testPrivate)}
}

func target(path string) *url.URL {
	return &url.URL{Scheme: "https", Host: "om.example.net:8443", Path: path}
}

// challenge401 returns the header of a 401 with a nonce.
func challenge401(nonce string, more ...string) http.Header {
	h := http.Header{}
	line := `Digest realm="MMS Public API", domain="", nonce="` + nonce + `", algorithm=MD5, qop="auth"`
	for _, m := range more {
		line += ", " + m
	}
	h.Set("WWW-Authenticate", line)
	return h
}

// setting adds Set-Cookie lines to a header.
func setting(h http.Header, lines ...string) http.Header {
	for _, line := range lines {
		h.Add("Set-Cookie", line)
	}
	return h
}

// newSession returns a session with a fixed clock.
func newSession() *Session {
	return NewSessions(clock.New().Now).Of("https://om.example.net:8443", testKey())
}

// poll is a poll with responses from the test.
type poll struct {
	*testing.T
	*Attempts
	route  *Route
	target *url.URL
}

func begin(t *testing.T, s *Session) *poll {
	t.Helper()
	p := &poll{t, s.Begin(t.Context(), 0), &Route{}, target(testPath)}
	t.Cleanup(p.End)
	return p
}

// ask sends a request, and returns the nonce, the count and the cookies of its
// credentials, or zero values for none.
func (p *poll) ask() (nonce string, count int, cookie string) {
	p.Helper()
	c, err := p.Authorize(p.route, http.MethodGet, p.target)
	if err != nil {
		p.Fatal(err)
	}
	if c == nil {
		return "", 0, ""
	}
	return c.nonce.challenge.Nonce, c.count, c.Cookie()
}
