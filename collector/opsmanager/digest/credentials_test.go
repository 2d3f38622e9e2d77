package digest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	icholy "github.com/icholy/digest"

	"opsmanager_exporter/collector/testkit/clock"
	"opsmanager_exporter/config"
)

// answered returns the credentials of a request that answers a challenge.
func answered(t testing.TB, header http.Header) (*Session, *Credentials) {
	t.Helper()
	s := newSession()
	a := s.Begin(t.Context(), 0)
	defer a.End()
	a.Refused(target(testPath), header, false)
	c, err := a.Authorize(&Route{}, http.MethodGet, target(testPath))
	if err != nil || c == nil {
		t.Fatalf("got %v, %v", c, err)
	}
	return s, c
}

// The Authorization header equals that of icholy/digest, whatever has to be quoted.
func TestAuthorization(t *testing.T) {
	key := config.KeyPair{Public: config.NewSecret(`pub"lic`), Private: config.NewSecret(testPrivate)}
	for _, chal := range []*icholy.Challenge{
		{Realm: "MMS Public API", Nonce: "I+xG4xb7bUgq8uMBCuAxZPI+VDDcJ9q1", Algorithm: "MD5"},
		{Realm: "", Nonce: "abc", Opaque: "def"},
		{Realm: `a "b", c=\d\`, Nonce: `"`, Opaque: `\"`, Algorithm: "SHA-256"},
		{Realm: "Umläute", Nonce: "a, b", Algorithm: "SHA-512-256"},
		{Realm: "small", Nonce: "abc", Algorithm: "sha-256"},
	} {
		chal.QOP = []string{"auth"}
		u := target("/a/b c" + testPath)
		n := newNonce(chal, key, clock.New().Now(), 1)
		for count := 1; count <= 300; count++ {
			c, err := n.credentials(http.MethodGet, u)
			if err != nil {
				t.Fatal(err)
			}
			sent, err := icholy.ParseCredentials(c.Authorization())
			if err != nil {
				t.Fatalf("%s: %v", c.Authorization(), err)
			}
			want, err := icholy.Digest(chal, icholy.Options{
				Method: http.MethodGet, URI: "/a/b%20c" + testPath, Count: count, Username: `pub"lic`, Password: testPrivate, Cnonce: sent.Cnonce,
			})
			if err != nil {
				t.Fatal(err)
			}
			if *sent != *want {
				t.Fatalf("sent %s, want %s", c.Authorization(), want)
			}
		}
	}
}

// A challenge that cannot be answered, which findChallenge does not return, is an error.
func TestUnanswerable(t *testing.T) {
	n := newNonce(&icholy.Challenge{Nonce: "abc", Algorithm: "MD4", QOP: []string{"auth"}}, testKey(), clock.New().Now(), 1)
	if c, err := n.credentials(http.MethodGet, target(testPath)); c != nil || err == nil || !strings.HasPrefix(err.Error(), "answer digest challenge: ") {
		t.Errorf("got %v, %v", c, err)
	}
}

// Each directive present in Authentication-Info is checked. rspauth is that of RFC 7616,
// section 3.5: a digest without a method.
func TestAuthenticationInfo(t *testing.T) {
	_, c := answered(t, challenge401("abc"))
	cnonce := c.params()["cnonce"]
	rspauth := func(count int) string {
		d, err := icholy.Digest(&icholy.Challenge{Realm: "MMS Public API", Nonce: "abc", Algorithm: "MD5", QOP: []string{"auth"}},
			icholy.Options{URI: testPath, Count: count, Cnonce: cnonce, Username: testPublic, Password: testPrivate})
		if err != nil {
			t.Fatal(err)
		}
		return d.Response
	}
	good := fmt.Sprintf(`rspauth="%s", cnonce="%s", nc=00000001, qop=auth`, rspauth(1), cnonce) // in the format of Apache
	for name, tt := range map[string]struct {
		lines []string
		fits  bool
	}{
		"none":                {nil, true},
		"Apache":              {[]string{good}, true},
		"in capitals":         {[]string{"RSPAUTH=\"" + strings.ToUpper(rspauth(1)) + "\""}, true},
		"only rspauth":        {[]string{`rspauth=` + rspauth(1)}, true},
		"only nextnonce":      {[]string{`nextnonce="xyz"`}, true},
		"empty":               {[]string{""}, true},
		"short count":         {[]string{"nc=1"}, true},
		"of another count":    {[]string{`rspauth="` + rspauth(2) + `"`}, false},
		"another cnonce":      {[]string{`cnonce="0123456789abcdef"`}, false},
		"another count":       {[]string{"nc=00000002"}, false},
		"invalid count":       {[]string{"nc=x"}, false},
		"empty rspauth":       {[]string{`rspauth=""`}, false},
		"the second line":     {[]string{good, "nc=00000002"}, false},
		"twice":               {[]string{good + `, cnonce="` + cnonce + `"`}, false},
		"string without end":  {[]string{`cnonce="` + cnonce}, false},
		"no parameter":        {[]string{`"x"`}, false},
		"other, good count":   {[]string{strings.Replace(good, cnonce, "x", 1)}, false},
		"good, other rspauth": {[]string{strings.Replace(good, rspauth(1), rspauth(3), 1)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for _, line := range tt.lines {
				h.Add("Authentication-Info", line)
			}
			if err := c.Check(h); (err == nil) != tt.fits || err != nil && !errors.Is(err, ErrMismatch) {
				t.Errorf("got %v", err)
			}
		})
	}
	var none *Credentials
	if err := none.Check(http.Header{"Authentication-Info": {"nc=2"}}); err != nil {
		t.Errorf("without credentials: %v", err)
	}
}

// No key, digest or cookie is shown, however it is printed.
func TestNothingPrints(t *testing.T) {
	s, c := answered(t, setting(challenge401("abc"), "JSESSIONID=1a2b3c4d5e; path=/"))
	if c.Cookie() != "JSESSIONID=1a2b3c4d5e" {
		t.Fatalf("got %q", c.Cookie())
	}
	route := &Route{}
	route.worked(s, c.nonce)
	secrets := []string{testPublic, testPrivate, "1a2b3c4d5e", c.params()["response"], c.nonce.ha1.Reveal()}
	for _, value := range []any{
		s, s.origin, c, *c, c.nonce, c.nonce.cookies, *c.nonce.cookies, c.nonce.cookies.lines, c.nonce.cookies.jar, route,
		&Attempts{session: s, next: c.nonce, credentials: c, route: route},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			said := strings.ToLower(fmt.Sprintf(verb, value))
			for _, secret := range secrets {
				if strings.Contains(said, secret) || strings.Contains(said, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s of %T shows %s: %s", verb, value, secret, said)
				}
			}
		}
	}
}

func TestEchoes(t *testing.T) {
	s, c := answered(t, setting(challenge401("NONCE_ABC"), "JSESSIONID=SESSION_ABC; path=/", "SRV=b1; path=/", "A=abc; path=/", "B=ABCD; path=/"))
	for text, want := range map[string]bool{
		"ORG_NOT_FOUND": false, "": false, "B1": false, "THE_ABC": false, "THE_ABCD": true, "THE_SESSION_ABC": true, "NONCE_ABC": true,
		strings.ToUpper(testPublic): true, "x" + testPrivate: true, c.params()["response"]: true, c.params()["cnonce"]: true,
	} {
		if got := s.Echoes(text, c); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if s.Echoes("SESSION_ABC", nil) || !s.Echoes(testPublic, nil) {
		t.Error("without credentials")
	}
	if (&Session{}).Echoes("any text", nil) {
		t.Error("an empty key")
	}
}

func BenchmarkCredentials(b *testing.B) {
	n := newNonce(&icholy.Challenge{Realm: "MMS Public API", Nonce: "I+xG4xb7bUgq8uMBCuAxZPI+VDDcJ9q1", Algorithm: "MD5", QOP: []string{"auth"}},
		testKey(), clock.New().Now(), 1)
	u := target(testPath)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.credentials(http.MethodGet, u); err != nil {
			b.Fatal(err)
		}
	}
}
