package opsmanager_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

// lines returns challenges with NONCE replaced by the nonce.
func lines(texts ...string) simulator.Challenge {
	return simulator.Challenge{Lines: func(nonce string, _ bool) []string {
		var all []string
		for _, text := range texts {
			all = append(all, strings.ReplaceAll(text, "NONCE", nonce))
		}
		return all
	}}
}

func TestChallengesThatAreAnswered(t *testing.T) {
	sha256 := func(c simulator.Challenge) simulator.Challenge {
		c.Algorithm = "SHA-256"
		return c
	}
	for name, challenge := range map[string]simulator.Challenge{
		"Ops Manager":           {},
		"Cloud Manager":         {CloudManagerBody: true},
		"empty body":            {EmptyBody: true},
		"misprint of the page":  {OpMisprint: true},
		"charset":               {Charset: true},
		"with Basic":            {WithBasic: true},
		"Basic in one line":     {OneLine: true},
		"SHA-256":               {Algorithm: "SHA-256"},
		"no algorithm":          lines(`Digest realm="MMS Public API", nonce="NONCE", qop="auth"`),
		"algorithm quoted":      lines(`Digest realm="MMS Public API", nonce="NONCE", qop="auth", algorithm="md5"`),
		"strongest wins":        sha256(lines(`Digest realm="MMS Public API", nonce="x", qop="auth", algorithm=MD5, Digest realm="MMS Public API", nonce="NONCE", qop="auth", algorithm=SHA-256, Digest realm="x", nonce="x", qop=auth`)),
		"strongest, by line":    sha256(lines(`Digest realm="x", nonce="x", qop="auth"`, `Digest realm="MMS Public API", nonce="NONCE", qop="auth", algorithm=sha-256`)),
		"the one that can be":   lines(`Digest realm="x", nonce="x", qop="auth", algorithm=SHA-512-256-sess`, `Digest realm="MMS Public API", nonce="NONCE", qop="auth", algorithm=MD5`),
		"upper-case names":      lines(`DIGEST REALM="MMS Public API", NonCe="NONCE", QOP="AUTH", STALE=FALSE`),
		"tabs":                  lines("Digest\trealm=\"MMS Public API\"\t,\tnonce =\t\"NONCE\",\tqop\t=\t\"auth\""),
		"trailing commas":       lines(`, Digest realm="MMS Public API", nonce="NONCE",, qop="auth", ,`),
		"no commas":             lines(`Digest realm="MMS Public API" nonce="NONCE" qop="auth"`),
		"bare values":           lines(`Digest realm="MMS Public API", nonce=NONCE, qop=auth, domain=/a_b/c=d`),
		"escapes":               lines(`Digest realm="MMS\ Public\ API", nonce="NONCE", qop="auth", opaque="\"a\\b\""`),
		"two qops":              lines(`Digest realm="MMS Public API", nonce="NONCE", qop="auth,auth-int"`),
		"two qops with spaces":  lines(`Digest realm="MMS Public API", nonce="NONCE", qop="auth-int , Auth"`),
		"qop and op":            lines(`Digest realm="MMS Public API", nonce="NONCE", qop="auth", op="auth-int"`),
		"userhash=false":        lines(`Digest realm="MMS Public API", nonce="NONCE", qop="auth", userhash=false`),
		"unknown directives":    lines(`Digest realm="MMS Public API", x_y=1, z.z="2", nonce="NONCE", qop="auth", !#$=%`),
		"other schemes":         lines(`Negotiate`, `Bearer realm="x", error="y"`, `NTLM YWJj==, Digest realm="MMS Public API", nonce="NONCE", qop="auth", Negotiate`),
		"line feeds of a proxy": lines(`Digest realm="MMS Public API",   nonce="NONCE",   qop="auth"`),
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, simulator.Options{Challenge: challenge}, simulator.Org{})
			r := newRig(t, s.URL(), nil)
			r.synced(t)
			r.synced(t)
			if c := s.Counts(); c.Requests != 3 {
				t.Errorf("got %+v, want 3 requests", c)
			}
		})
	}
}

func TestChallengesThatAreNotAnswered(t *testing.T) {
	const (
		malformed = "the digest challenge is malformed"
		noQop     = "the digest challenge has no qop"
		notAuth   = "the digest challenge does not offer qop auth"
		algorithm = "the digest challenge requires an algorithm other than MD5, SHA-256 and SHA-512-256"
		none      = "the response has no digest challenge"
		noNonce   = "the digest challenge has no nonce"
	)
	for name, tt := range map[string]struct {
		text  string
		lines []string
	}{
		"nothing":            {none, []string{}},
		"empty line":         {none, []string{""}},
		"only Basic":         {none, []string{`Basic realm="MMS Public API"`}},
		"only Bearer":        {none, []string{`Bearer`, `Negotiate abc`}},
		"Digest in a value":  {none, []string{`Basic realm="Digest nonce=NONCE, qop=auth"`}},
		"bare scheme":        {noNonce, []string{`Digest`}},
		"no nonce":           {noNonce, []string{`Digest realm="MMS Public API", qop="auth"`}},
		"empty nonce":        {noNonce, []string{`Digest realm="MMS Public API", nonce="", qop="auth"`}},
		"no qop":             {noQop, []string{`Digest realm="MMS Public API", nonce="NONCE"`}},
		"empty qop":          {noQop, []string{`Digest realm="MMS Public API", nonce="NONCE", qop=""`}},
		"only auth-int":      {notAuth, []string{`Digest realm="MMS Public API", nonce="NONCE", qop="auth-int"`}},
		"op=auth-int":        {notAuth, []string{`Digest realm="MMS Public API", nonce="NONCE", op="auth-int"`}},
		"MD5-sess":           {algorithm, []string{`Digest realm="MMS Public API", nonce="NONCE", qop="auth", algorithm=MD5-sess`}},
		"SHA-256-sess":       {algorithm, []string{`Digest realm="MMS Public API", nonce="NONCE", qop="auth", algorithm=SHA-256-sess`}},
		"SHA-512":            {algorithm, []string{`Digest realm="MMS Public API", nonce="NONCE", qop="auth", algorithm=SHA-512`}},
		"userhash":           {"the digest challenge requires a hashed user name", []string{`Digest realm="MMS Public API", nonce="NONCE", qop="auth", userhash=TRUE`}},
		"duplicate":          {malformed, []string{`Digest realm="MMS Public API", nonce="NONCE", qop="auth", nonce="NONCE"`}},
		"duplicate by case":  {malformed, []string{`Digest realm="MMS Public API", nonce="NONCE", qop="auth", QOP="auth"`}},
		"no end of a string": {malformed, []string{`Digest realm="MMS Public API", qop="auth", nonce="NONCE`}},
		"escape at the end":  {malformed, []string{`Digest realm="MMS Public API", qop="auth", nonce="NONCE\`}},
		"no names":           {malformed, []string{`Digest "MMS Public API", nonce="NONCE", qop="auth"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, simulator.Options{Challenge: lines(tt.lines...)}, simulator.Org{})
			status, err := newRig(t, s.URL(), nil).poll(t)
			failure{opsmanager.ReasonUnauthorized, 401, "", "HTTP 401: " + tt.text}.check(t, status, err)
			if n := s.Counts().Requests; n != 1 {
				t.Errorf("got %d requests, want 1", n)
			}
		})
	}
}

// A poll sends the correct headers, and no password in any form.
func TestWhatIsSent(t *testing.T) {
	for name, challenge := range map[string]string{
		"only Basic": `Basic realm="x"`,
		"with Basic": `Basic realm="x", Digest realm="MMS Public API", nonce="abc", qop="auth", Bearer`,
	} {
		t.Run(name, func(t *testing.T) {
			requests := make(chan *http.Request, 10)
			address := listen(t, func(c net.Conn, _ int) {
				for in := bufio.NewReader(c); ; {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					requests <- r
					_, _ = c.Write([]byte("HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: " + challenge + "\r\n\r\n"))
				}
			})
			_, err := newRig(t, "http://"+address+"/a/b%20c/", nil).poll(t)
			if opsmanager.ReasonOf(err) != opsmanager.ReasonUnauthorized {
				t.Errorf("got %v", err)
			}
			close(requests)
			const path = "/a/b%20c/api/public/v1.0/orgs/" + testOrg + "/liveExport/migrationLink/status"
			for r := range requests {
				authorization := r.Header.Get("Authorization")
				if r.Method != http.MethodGet || r.RequestURI != path || r.Host != address || r.ContentLength != 0 || r.TransferEncoding != nil ||
					r.Header.Get("Accept") != "application/json" || r.Header.Get("User-Agent") != "test" || r.Header.Get("Cookie") != "" {
					t.Errorf("got %s %s %v", r.Method, r.RequestURI, r.Header)
				}
				if authorization != "" && (!strings.HasPrefix(authorization, "Digest ") || !strings.Contains(authorization, ` uri="`+path+`"`)) {
					t.Errorf("got %q", authorization)
				}
				if strings.Contains(authorization, testPrivate) {
					t.Error("the private key was sent")
				}
			}
		})
	}
}
