package digest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestFindChallenge(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  string // nonce, realm, opaque, algorithm and stale, or the error
	}{
		{"as Ops Manager", []string{`Digest realm="MMS Public API", domain="", nonce="a", algorithm=MD5, qop="auth", stale=false`}, "a|MMS Public API||MD5|false"},
		{"stale", []string{`Digest realm="r", nonce="a", opaque="o", qop="auth", stale=TRUE`}, "a|r|o||true"},
		{"misprint of the page", []string{`Digest realm="r", nonce="a", op="auth"`}, "a|r|||false"},
		{"qop beats its misprint", []string{`Digest realm="r", nonce="a", op="auth", qop="auth-int"`}, "the digest challenge does not offer qop auth"},
		{"no qop", []string{`Digest realm="r", nonce="a"`}, "the digest challenge has no qop"},
		{"no nonce", []string{`Digest realm="r", qop=auth`}, "the digest challenge has no nonce"},
		{"white space around everything", []string{" Digest\t realm \t= \t\"r\" \t, nonce\t=\ta,,qop = \" auth-int , Auth \""}, "a|r|||false"},
		{"every token character", []string{`Digest azAZ09!#$%&'*+-.^_` + "`" + `|~=x, nonce=a, qop=auth`}, "a||||false"},
		{"no token character", []string{`Digest nonce=a, x@y=z, qop=auth`}, "the digest challenge has no qop"},
		{"strongest of one line", []string{`Digest nonce=a, qop=auth, Digest nonce=b, qop=auth, algorithm=SHA-512-256, Digest nonce=c, qop=auth, algorithm=sha-256`}, "b|||SHA-512-256|false"},
		{"strongest of two lines", []string{`Digest nonce=a, qop=auth, algorithm=sha-256`, `Digest nonce=b, qop=auth, algorithm=md5`}, "a|||sha-256|false"},
		{"first of equals", []string{`Digest nonce=a, qop=auth, algorithm=MD5`, `Digest nonce=b, qop=auth`}, "a|||MD5|false"},
		{"another beside it", []string{`Digest nonce=a, qop=auth, algorithm=MD5-sess`, `Basic realm="x", digest nonce=b, qop=auth`}, "b||||false"},
		{"algorithm", []string{`Digest nonce=a, qop=auth, algorithm=MD5-sess`}, "the digest challenge requires an algorithm other than MD5, SHA-256 and SHA-512-256"},
		{"user hash", []string{`Digest nonce=a, qop=auth, userhash=True`}, "the digest challenge requires a hashed user name"},
		{"twice", []string{`Digest nonce=a, qop=auth, NONCE=a`}, "the digest challenge is malformed"},
		{"no challenge", []string{`Basic realm="x"`, ""}, "the response has no digest challenge"},
		{"as long as allowed", []string{`Digest realm=rr, opaque=oo, qop=auth, nonce=` + strings.Repeat("n", maxChallenge-4)}, strings.Repeat("n", maxChallenge-4) + "|rr|oo||false"},
		{"too long", []string{`Digest realm=rr, opaque=oo, qop=auth, nonce=` + strings.Repeat("n", maxChallenge-3)}, "the digest challenge is longer than 16 KiB"},
		{"tab and space", []string{"Digest nonce=a, qop=auth, realm=\"\t \""}, "a|\t |||false"},
		{"control character of a realm", []string{"Digest nonce=a, qop=auth, realm=\"\x1f\""}, "the digest challenge contains control characters"},
		{"control character of a nonce", []string{"Digest nonce=a\x7f, qop=auth"}, "the digest challenge contains control characters"},
		{"control character of an opaque", []string{"Digest nonce=a, qop=auth, opaque=\"\r\""}, "the digest challenge contains control characters"},
		{"escapes", []string{`Digest realm="a\"b\\", nonce=a, qop=auth`}, `a|a"b\|||false`},
		{"no end", []string{`Digest nonce=a, qop=auth, realm="x`}, "the digest challenge is malformed"},
		{"escape at the end", []string{`Digest nonce=a, qop=auth, realm="x\`}, "the digest challenge is malformed"},
		{"a challenge in a string without end", []string{`Digest nonce=a, qop=auth, realm="Digest nonce=b, qop=auth`}, "the digest challenge is malformed"},
		{"a challenge before an escape at the end", []string{`Digest nonce=a, qop=auth, realm="Digest nonce=b, qop=auth\`}, "the digest challenge is malformed"},
		{"malformed to the end", []string{`Digest nonce=a, qop=auth, "`}, "the digest challenge is malformed"},
		{"malformed to the next comma", []string{`"x, Digest nonce=a, qop=auth`}, "a||||false"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if c, err := findChallenge(http.Header{"Www-Authenticate": tt.lines}); err != nil {
				got = err.Error()
			} else {
				got = fmt.Sprintf("%s|%s|%s|%s|%t", c.Nonce, c.Realm, c.Opaque, c.Algorithm, c.Stale)
			}
			if got != tt.want {
				t.Errorf("got  %.200s\nwant %.200s", got, tt.want)
			}
		})
	}
}

func TestToken(t *testing.T) {
	const allowed = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" // RFC 9110, section 5.6.2
	for c := range 256 {
		text, want := string([]byte{'x', byte(c), 'y'}), "x"
		if strings.IndexByte(allowed, byte(c)) >= 0 {
			want = text
		}
		if got := token(text); got != want {
			t.Errorf("token(%q) = %q, want %q", text, got, want)
		}
	}
}
