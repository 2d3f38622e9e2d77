package simulator

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/clock"
	"opsmanager_exporter/collector/testkit/realprogram"
)

// curl runs curl, an independent digest client. It returns the body of the last response
// and a line with its status.
func curl(t *testing.T, user string, arguments ...string) string {
	t.Helper()
	return runCurl(t, append([]string{"--digest", "--user", user}, arguments...)...)
}

func runCurl(t *testing.T, arguments ...string) string {
	t.Helper()
	path := realprogram.Find(t, "curl")
	arguments = append([]string{
		"--disable", "--silent", "--show-error", "--max-time", "20", "--noproxy", "*",
		"--header", "Accept: application/json", "--write-out", "\n%{http_code}\n",
	}, arguments...)
	cmd := exec.CommandContext(t.Context(), path, arguments...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("curl: %v: %s", err, errs.String())
	}
	return out.String()
}

func TestCurl(t *testing.T) {
	const (
		right = testPublic + ":" + testPrivate
		ok    = "{\"status\": \"SYNCED\"}\n200\n"
		no    = opsManagerBody + "\n401\n"
	)
	tests := []struct {
		name       string
		options    Options
		user, path string
		want       string
		counts     Counts
	}{
		{"right key", Options{}, right, testPath, ok, Counts{Requests: 2, OK: 1, Challenges: 1}},
		{"wrong key", Options{}, testPublic + ":wrong", testPath, no, Counts{Requests: 2, Challenges: 2, Refused: 1}},
		{"SHA-256", Options{Challenge: Challenge{Algorithm: "SHA-256"}}, right, testPath, ok, Counts{Requests: 2, OK: 1, Challenges: 1}},
		{"prefix", Options{PathPrefix: "/om"}, right, testPath, ok, Counts{Requests: 2, OK: 1, Challenges: 1}},
		{
			"pretty",
			Options{},
			right, testPath + "?pretty=true",
			"{\n  \"status\": \"SYNCED\"\n}\n200\n",
			Counts{Requests: 2, OK: 1, Challenges: 1},
		},
		{
			"envelope",
			Options{},
			right, testPath + "?envelope=true",
			"{\"status\": 200, \"content\": {\"status\": \"SYNCED\"}}\n200\n",
			Counts{Requests: 2, OK: 1, Challenges: 1},
		},
		{
			"pretty envelope",
			Options{},
			right, testPath + "?envelope=true&pretty=true",
			"{\n  \"status\": 200,\n  \"content\": {\n    \"status\": \"SYNCED\"\n  }\n}\n200\n",
			Counts{Requests: 2, OK: 1, Challenges: 1},
		},
		{"charset", Options{Challenge: Challenge{Charset: true}}, right, testPath, ok, Counts{Requests: 2, OK: 1, Challenges: 1}},
		{"with Basic", Options{Challenge: Challenge{WithBasic: true}}, right, testPath, ok, Counts{Requests: 2, OK: 1, Challenges: 1}},
		{"after Basic in one line", Options{Challenge: Challenge{OneLine: true}}, right, testPath, ok, Counts{Requests: 2, OK: 1, Challenges: 1}},
		{
			// curl ignores op as unknown, sends a response of RFC 2069, without qop and
			// nc, and is rejected as by Jetty.
			"op misprint", Options{Challenge: Challenge{OpMisprint: true}}, right, testPath, no, Counts{Requests: 2, Challenges: 2, Refused: 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, tt.options, Org{})
			if got := curl(t, tt.user, s.URL()+tt.path); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
			tt.counts.MaxInFlight, tt.counts.Unauthorized = 1, tt.counts.Challenges
			if got := s.OrgCounts(testOrg); got != tt.counts {
				t.Errorf("counts: got %+v, want %+v", got, tt.counts)
			}
		})
	}
}

// A nonce that expires between its challenge and its use gets stale=true, and curl retries
// once.
func TestCurlExpiredNonce(t *testing.T) {
	now := clock.New()
	lines := func(nonce string, stale bool) []string {
		if !stale {
			now.Advance(61 * time.Second)
		}
		return Challenge{Algorithm: algorithmMD5}.lines(nonce, stale)
	}
	s := start(t, Options{Now: now.Now, Challenge: Challenge{Lines: lines}}, Org{})
	if got, want := curl(t, testPublic+":"+testPrivate, s.URL()+testPath), "{\"status\": \"SYNCED\"}\n200\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if c := s.Counts(); c.Requests != 3 || c.Stale != 1 || c.Refused != 0 || c.OK != 1 || c.Connections != 1 {
		t.Errorf("counts: %+v", c)
	}
}

func TestCurlGzip(t *testing.T) {
	s := start(t, Options{}, Org{})
	got := curl(t, testPublic+":"+testPrivate, "--compressed", "--include", s.URL()+testPath)
	for _, want := range []string{"Content-Encoding: gzip\r\n", "Vary: Accept-Encoding\r\n", "X-MongoDB-Service-Version: gitHash=", "WWW-Authenticate: Digest ", "\n{\"status\": \"SYNCED\"}\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
}

func TestCurlErrors(t *testing.T) {
	s := start(t, Options{}, Org{Answer: MissingRole(false)})
	got := curl(t, testPublic+":"+testPrivate, s.URL()+testPath)
	want := `{"detail":"Current user is not authorized to perform this action.","error":401,"errorCode":"USER_UNAUTHORIZED","parameters":[],"reason":"Unauthorized"}` + "\n401\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if c := s.Counts(); c.Unauthorized != 2 || c.Challenges != 1 {
		t.Errorf("counts: %+v", c)
	}
}

// curl gets a token as in the documentation of Cloud Manager, and uses it.
func TestCurlToken(t *testing.T) {
	s := startWithAccount(t, Options{}, Account{})
	got := runCurl(t, "--user", testClient+":"+testSecret, "--header", "Cache-Control: no-cache",
		"--data", "grant_type=client_credentials", s.URL()+tokenPath)
	token := s.Tokens()[0]
	if want := `{"access_token":"` + token + `","expires_in":3600,"token_type":"Bearer"}` + "\n200\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got, want := runCurl(t, "--oauth2-bearer", token, s.URL()+testPath), "{\"status\": \"SYNCED\"}\n200\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	s.RevokeToken(token)
	if got, want := runCurl(t, "--oauth2-bearer", token, s.URL()+testPath), opsManagerBody+"\n401\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got, want := runCurl(t, "--user", testClient+":wrong", "--data", "grant_type=client_credentials", s.URL()+tokenPath), `{"error":"invalid_client"}`+"\n401\n"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
