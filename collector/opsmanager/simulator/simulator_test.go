package simulator

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/leaks"
)

const (
	testOrg     = "5f1e9c2b8d3a4e0012ab34cd"
	testPublic  = "jkqmzxvt"
	testPrivate = "4f7c1f0e-7d0a-4b8f-9a3c-2f5d8e6b1c90"
	testPath    = beforeOrg + testOrg + afterOrg
)

func TestMain(m *testing.M) { os.Exit(leaks.Run(m, 8)) }

// start starts a server with the test key and the test organization.
func start(t testing.TB, o Options, org Org) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.SetKey(testPublic, testPrivate)
	s.SetOrg(testOrg, org)
	return s
}

// client returns a client with its own connection pool that does not request gzip or follow
// redirects.
func client(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// reply is a complete response.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) challenge() string { return strings.Join(r.header["Www-Authenticate"], "\n") }
func (r reply) isStale() bool     { return strings.Contains(r.challenge(), ", stale=true") }

var nonceIn = regexp.MustCompile(`nonce="([^"]*)"`)

func (r reply) nonce(t testing.TB) string {
	t.Helper()
	m := nonceIn.FindStringSubmatch(r.challenge())
	if m == nil {
		t.Fatalf("no nonce in %q", r.challenge())
	}
	return m[1]
}

func request(ctx context.Context, c *http.Client, method, url, authorization string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return reply{}, err
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	if resp.Close {
		resp.Header.Set("Connection", "close") // net/http removes it
	}
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

// do sends one request.
func do(t testing.TB, c *http.Client, method, url, authorization string) reply {
	t.Helper()
	r, err := request(t.Context(), c, method, url, authorization)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// authorize computes a digest response for the test key.
func authorize(method, uri, nonce, nc string) string {
	return authorizeAs(hashOf(algorithmMD5), testPublic, testPrivate, method, uri, nonce, nc)
}

func authorizeAs(h hashFunc, public, private, method, uri, nonce, nc string) string {
	response := h(h(public, "MMS Public API", private), nonce, nc, "c0ffee", "auth", h(method, uri))
	return fmt.Sprintf(`Digest username=%q, realm="MMS Public API", nonce=%q, uri=%q, response=%q, algorithm=MD5, cnonce="c0ffee", qop=auth, nc=%s`,
		public, nonce, uri, response, nc)
}

// login gets a nonce and then returns the response to an authenticated request.
func login(t testing.TB, c *http.Client, s *Server, method, uri string) reply {
	t.Helper()
	nonce := do(t, c, http.MethodGet, s.URL()+"/", "").nonce(t)
	return do(t, c, method, s.URL()+uri, authorize(method, uri, nonce, "00000001"))
}
