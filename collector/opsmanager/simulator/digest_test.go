package simulator

import (
	"strings"
	"testing"
)

// The example of RFC 7616, section 3.9.1.
func TestResponseOfRFC7616(t *testing.T) {
	c := credentials{
		nonce:  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		uri:    "/dir/index.html",
		qop:    "auth",
		nc:     "00000001",
		cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
	}
	for algorithm, want := range map[string]string{
		algorithmMD5:    "8ca523f5e9506fed4657c9700eebdbec",
		algorithmSHA256: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		h := hashOf(algorithm)
		if got := h.response(h("Mufasa", "http-auth@example.org", "Circle of Life"), "GET", c); got != want {
			t.Errorf("%s: got %s, want %s", algorithm, got, want)
		}
	}
}

func TestParseAuthorization(t *testing.T) {
	tests := []struct {
		name, header string
		want         credentials
		ok           bool
	}{
		{
			"usual", `Digest username="u", realm="r", nonce="n=", uri="/a?b=c,d", response="f", qop=auth, nc=00000001, cnonce="x"`,
			credentials{"u", "n=", "/a?b=c,d", "f", "auth", "00000001", "x"},
			true,
		},
		{"names and scheme in any case", `dIGEST UserName="u",QOP="auth"`, credentials{username: "u", qop: "auth"}, true},
		{"white space", "Digest  username = \"u\" ,\tnc = 1 ", credentials{username: "u", nc: "1"}, true},
		{"escapes", `Digest username="a\"b\\c"`, credentials{username: `a"b\c`}, true},
		{"empty elements", `Digest ,,username="u",,nc=1,`, credentials{username: "u", nc: "1"}, true},
		{"unknown parameters", `Digest opaque="", username="u"`, credentials{username: "u"}, true},
		{"empty", "", credentials{}, false},
		{"scheme only", "Digest", credentials{}, false},
		{"scheme and space", "Digest ", credentials{}, false},
		{"other scheme", "Basic dTpw", credentials{}, false},
		{"no value", "Digest username", credentials{}, false},
		{"no name", `Digest ="u"`, credentials{}, false},
		{"not closed", `Digest username="u`, credentials{}, false},
		{"ends in an escape", `Digest username="u\`, credentials{}, false},
		{"no comma", `Digest username="u" nc=1`, credentials{}, false},
		{"twice", `Digest nc=1, NC=2`, credentials{}, false},
		{"quote in a token", `Digest nc=1"2"`, credentials{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseAuthorization(tt.header)
			if got != tt.want || ok != tt.ok {
				t.Errorf("got %+v, %t; want %+v, %t", got, ok, tt.want, tt.ok)
			}
		})
	}
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add(authorize("GET", "/", "n", "00000001"))
	f.Add(`Digest a="\`)
	f.Add("Digest ,=,")
	f.Fuzz(func(t *testing.T, header string) {
		c, ok := parseAuthorization(header)
		if !ok && c != (credentials{}) {
			t.Errorf("refused, but returned %+v", c)
		}
		for _, v := range []string{c.username, c.nonce, c.uri, c.response, c.qop, c.nc, c.cnonce} {
			if len(v) >= len(header) && v != "" {
				t.Errorf("%q out of %q", v, header)
			}
		}
	})
}

func TestAuthentication(t *testing.T) {
	const get = "GET"
	md5 := hashOf(algorithmMD5)
	tests := []struct {
		name          string
		authorization func(nonce string) string
		status        int
		stale         bool
	}{
		{"right", func(n string) string { return authorize(get, testPath, n, "00000001") }, 200, false},
		{"short nc", func(n string) string { return authorize(get, testPath, n, "1") }, 200, false},
		{"another uri is not compared", func(n string) string { return authorize(get, "/other", n, "1") }, 200, false},
		{"upper-case response", func(n string) string {
			a := authorize(get, testPath, n, "1")
			before, after, _ := strings.Cut(a, `response="`)
			return before + `response="` + strings.ToUpper(after[:32]) + after[32:]
		}, 200, false},
		{"wrong private key", func(n string) string {
			return authorizeAs(md5, testPublic, "wrong", get, testPath, n, "1")
		}, 401, false},
		{"unknown public key", func(n string) string {
			return authorizeAs(md5, "unknown", testPrivate, get, testPath, n, "1")
		}, 401, false},
		{"other method", func(n string) string { return authorize("HEAD", testPath, n, "1") }, 401, false},
		{"unknown nonce", func(string) string { return authorize(get, testPath, "unknown", "1") }, 401, true},
		{"no nonce", func(string) string { return authorize(get, testPath, "", "1") }, 401, false},
		{"nc not a number", func(n string) string { return authorize(get, testPath, n, "x") }, 401, false},
		{"nc too high", func(n string) string { return authorize(get, testPath, n, "400") }, 401, true},
		{"highest nc", func(n string) string { return authorize(get, testPath, n, "3ff") }, 200, false},
		{"without qop", func(n string) string {
			return strings.Replace(authorize(get, testPath, n, "1"), "qop=auth, ", "", 1)
		}, 401, false},
		{"without nc", func(n string) string {
			return strings.Replace(authorize(get, testPath, n, "1"), ", nc=1", "", 1)
		}, 401, false},
		{"Basic", func(string) string { return "Basic " + testPublic }, 401, false},
		{"garbage", func(string) string { return `Digest "` }, 401, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := start(t, Options{}, Org{}), client(t)
			first := do(t, c, get, s.URL()+testPath, "")
			if first.status != 401 || first.isStale() {
				t.Fatalf("first answer: %d, %s", first.status, first.challenge())
			}
			r := do(t, c, get, s.URL()+testPath, tt.authorization(first.nonce(t)))
			if r.status != tt.status || r.isStale() != tt.stale {
				t.Errorf("got %d stale=%t, want %d stale=%t", r.status, r.isStale(), tt.status, tt.stale)
			}
			want := Counts{Requests: 2, MaxInFlight: 1, Unauthorized: 1, Challenges: 1}
			if tt.status == 200 {
				want.OK = 1
			} else {
				want.Unauthorized, want.Challenges = 2, 2
				want.Stale, want.Refused = one(tt.stale), one(!tt.stale)
			}
			if got := s.OrgCounts(testOrg); got != want {
				t.Errorf("counts: got %+v, want %+v", got, want)
			}
		})
	}
}
