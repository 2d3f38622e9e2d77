package digest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func isControlByte(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// FuzzChallenge parses arbitrary WWW-Authenticate lines, and checks that the resulting
// Authorization is a valid header.
func FuzzChallenge(f *testing.F) {
	for _, lines := range []string{
		`Digest realm="MMS Public API", domain="", nonce="I+xG4xb7bUgq8uMBCuAxZPI+VDDcJ9q1", algorithm=MD5, qop="auth", stale=false`,
		`Digest realm="MMS Public API", domain="", nonce="x", algorithm=MD5, op="auth", stale=false`,
		`Basic realm="x", Digest realm="a\"b", nonce=a/b_c==, qop="auth,auth-int", algorithm=SHA-256`,
		"Basic realm=\"x\"\nDigest\tnonce = \"x\" ,\tqop = auth ,,\nDIGEST NONCE=x, QOP=\"auth-int , auth\", algorithm=SHA-512-256",
		`Digest nonce="x", qop="auth", nonce="y"`, `Digest nonce="x", qop="auth`, `Digest nonce="x\`, `Digest`, `Digest =`, `,,,`, `"`, `=`, ``,
		`Digest nonce="", qop="auth"`, `Digest nonce="x"`, `Digest nonce="x", qop="auth", algorithm=MD5-sess`, `Digest nonce="x", qop="auth", userhash=true`,
		"Digest realm=\"\x01\xff\u00e9\t\", nonce=\"\x7f\", qop=auth, opaque=\"\\\"\"", `Negotiate abc==, NTLM, Digest nonce=x, qop=auth`,
		`Digest nonce="` + strings.Repeat("x", maxChallenge+1) + `", qop=auth`,
	} {
		f.Add(lines)
	}
	algorithms := []string{"", "MD5", "SHA-256", "SHA-512-256"}
	f.Fuzz(func(t *testing.T, lines string) {
		s := newSession()
		a := s.Begin(t.Context(), 0)
		defer a.End()
		r := a.Refused(target(testPath), http.Header{"Www-Authenticate": strings.Split(lines, "\n")}, false)
		if r.Challenge == (r.Err != nil) || a.Asks() == r.Challenge {
			t.Fatalf("got %+v, asks again: %t", r, a.Asks())
		}
		if !r.Challenge {
			return
		}
		chal := a.next.challenge
		if chal.Nonce == "" || !slices.Equal(chal.QOP, []string{"auth"}) || chal.Userhash || !slices.Contains(algorithms, strings.ToUpper(chal.Algorithm)) {
			t.Fatalf("got %+v", chal)
		}
		c, err := a.Authorize(&Route{}, http.MethodGet, target(testPath))
		if err != nil {
			t.Fatal(err)
		}
		if text := c.Authorization(); !strings.HasPrefix(text, "Digest ") || strings.Contains(text, testPrivate) || isControlByte(text) || len(text) > 3*maxChallenge {
			t.Fatalf("got %q", text)
		}
	})
}

// FuzzCookies sets arbitrary cookies, and checks that the resulting Cookie is a valid
// header.
func FuzzCookies(f *testing.F) {
	for _, lines := range []string{
		"SRV=b1; path=/", "JSESSIONID=node0abc.node0; Path=/om; HttpOnly\nSRV=b2; path=/; Max-Age=60", `a="b c"; path=/`, "=;", ";=;", "a", "a=\x01\u00e9; path=/",
		"a=b; Domain=example.net; Secure; Expires=Wed, 01 Jan 2031 00:00:00 GMT", "a=b; Path=/\na=c; Path=/\na=; Max-Age=-1; Path=/", strings.Repeat("x=y;path=/\n", 100),
		"a=" + strings.Repeat("x", 5000) + ";path=/\nb=" + strings.Repeat("y", 5000) + ";path=/",
	} {
		f.Add(lines)
	}
	f.Fuzz(func(t *testing.T, lines string) {
		var c *cookies
		for range 2 {
			c = c.with(target(testPath), http.Header{"Set-Cookie": strings.Split(lines, "\n")})
		}
		got := c.header(target(testPath))
		if isControlByte(got) || len(got) > maxCookieBytes {
			t.Fatalf("got %q", got)
		}
		if c != nil && len(c.lines) > maxCookies {
			t.Fatalf("%d cookies", len(c.lines))
		}
		if elsewhere := c.header(target("/")); len(elsewhere) > len(got) {
			t.Fatalf("%q elsewhere, %q here", elsewhere, got)
		}
	})
}

// FuzzAuthenticationInfo parses arbitrary headers. None can be forged without the key.
func FuzzAuthenticationInfo(f *testing.F) {
	for _, line := range []string{
		`rspauth="0123456789abcdef0123456789abcdef", cnonce="0123456789abcdef", nc=00000001, qop=auth`, `nextnonce="x"`, "", "nc=1", "nc=", `nc="1`, "rspauth", "=", `"`,
		"nc=ffffffffffffffff", "nc=-1", "NC=01, cnonce=\u00e9",
	} {
		f.Add(line)
	}
	_, c := answered(f, challenge401("abc"))
	f.Fuzz(func(t *testing.T, line string) {
		err := c.Check(http.Header{"Authentication-Info": {line}})
		if lower := strings.ToLower(line); err == nil && strings.Contains(lower, "rspauth=") {
			params := splitChallenges("Digest " + line)[0].params
			if _, ok := params["rspauth"]; ok {
				t.Fatalf("%q is accepted", line)
			}
		}
	})
}
