package simulator

import (
	"net/http"
	"regexp"
	"testing"
)

func TestChallenge(t *testing.T) {
	const (
		digest = `Digest realm="MMS Public API", domain="", nonce="<32>", algorithm=MD5, qop="auth", stale=false`
		basic  = `Basic realm="MMS Public API"`
	)
	tests := []struct {
		name        string
		options     Challenge
		lines       string
		body        string
		contentType string
	}{
		{"Ops Manager", Challenge{}, digest, opsManagerBody, "application/json;charset=ISO-8859-1"},
		{"Cloud Manager", Challenge{CloudManagerBody: true}, digest, cloudManagerBody, "application/json;charset=ISO-8859-1"},
		{"empty body", Challenge{EmptyBody: true}, digest, "", ""},
		{
			"op misprint",
			Challenge{OpMisprint: true, EmptyBody: true},
			`Digest realm="MMS Public API", domain="", nonce="<32>", algorithm=MD5, op="auth", stale=false`, "", "",
		},
		{
			"SHA-256",
			Challenge{Algorithm: "SHA-256", EmptyBody: true},
			`Digest realm="MMS Public API", domain="", nonce="<32>", algorithm=SHA-256, qop="auth", stale=false`, "", "",
		},
		{"charset", Challenge{Charset: true, EmptyBody: true}, digest + `, charset=UTF-8`, "", ""},
		{"Basic in its own line", Challenge{WithBasic: true, EmptyBody: true}, basic + "\n" + digest, "", ""},
		{"Basic in one line", Challenge{OneLine: true, EmptyBody: true}, basic + ", " + digest, "", ""},
		{"own lines", Challenge{
			Lines: func(nonce string, _ bool) []string {
				return []string{`Negotiate`, `digest nonce="` + nonce + `"`}
			},
			EmptyBody: true,
		}, "Negotiate\ndigest nonce=\"<32>\"", "", ""},
	}
	anyNonce := regexp.MustCompile(`nonce="[A-Za-z0-9+/]{32}"`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{Challenge: tt.options}, Org{})
			r := do(t, client(t), http.MethodGet, s.URL()+testPath, "")
			if got := anyNonce.ReplaceAllString(r.challenge(), `nonce="<32>"`); got != tt.lines {
				t.Errorf("lines:\n%s\nwant:\n%s", got, tt.lines)
			}
			if r.status != 401 || r.body != tt.body || r.header.Get("Content-Type") != tt.contentType {
				t.Errorf("got %d %q\n%s", r.status, r.header.Get("Content-Type"), r.body)
			}
			if v := r.header.Get(versionHeader); v != "" {
				t.Errorf("version %q on a challenge", v)
			}
		})
	}
}

// Observed on the wire: Content-Length: 106.
func TestChallengeBodyLength(t *testing.T) {
	if len(opsManagerBody) != 106 {
		t.Errorf("%d bytes, want 106", len(opsManagerBody))
	}
}
