package simulator

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/clock"
)

const (
	testClient = "mdb_sa_id_66f2c1e7a9b0d4123456abcd"
	testSecret = "mdb_sa_sk_Zm9v-_YmFyYmF6cXV4"
)

// startWithAccount starts a server with the test key, account and organization.
func startWithAccount(t testing.TB, o Options, a Account) *Server {
	t.Helper()
	s := start(t, o, Org{})
	a.Secret = testSecret
	s.SetAccount(testClient, a)
	return s
}

// requestToken posts a form to the endpoint for tokens.
func requestToken(ctx context.Context, c *http.Client, s *Server, user, password, form string) (reply, error) {
	u, err := url.Parse(s.URL())
	if err != nil {
		return reply{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.Scheme+"://"+u.Host+"/api/oauth/token", strings.NewReader(form))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		req.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(password))
	}
	resp, err := c.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(body)}, err
}

const clientCredentials = "grant_type=client_credentials"

// newToken returns a token of the test account.
func newToken(t testing.TB, c *http.Client, s *Server) string {
	t.Helper()
	r, err := requestToken(t.Context(), c, s, testClient, testSecret, clientCredentials)
	if err != nil {
		t.Fatal(err)
	}
	var response struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(r.body), &response); err != nil || r.status != http.StatusOK {
		t.Fatalf("%d %q: %v", r.status, r.body, err)
	}
	return response.Token
}

func TestTokenEndpoint(t *testing.T) {
	tests := []struct {
		name                 string
		user, password, form string
		status               int
		body                 string // of an error
		counts               Counts
	}{
		{"token", testClient, testSecret, clientCredentials, 200, "", Counts{OK: 1, Tokens: 1}},
		{"wrong secret", testClient, "wrong", clientCredentials, 401, `{"error":"invalid_client"}`, Counts{Unauthorized: 1, Challenges: 1, Refused: 1}},
		{"no secret", testClient, "", clientCredentials, 401, `{"error":"invalid_client"}`, Counts{Unauthorized: 1, Challenges: 1, Refused: 1}},
		{"wrong grant", testClient, testSecret, "grant_type=password", 400, `{"error":"unsupported_grant_type"}`, Counts{}},
		{"no grant", testClient, testSecret, "", 400, `{"error":"invalid_request"}`, Counts{}},
		{"two grants", testClient, testSecret, clientCredentials + "&" + clientCredentials, 400, `{"error":"invalid_request"}`, Counts{}},
		{"malformed form", testClient, testSecret, clientCredentials + "&%zz", 400, `{"error":"invalid_request"}`, Counts{}},
		{"huge form", testClient, testSecret, clientCredentials + "&a=" + strings.Repeat("x", 64<<10), 400, `{"error":"invalid_request"}`, Counts{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startWithAccount(t, Options{PathPrefix: "/om"}, Account{})
			r, err := requestToken(t.Context(), client(t), s, tt.user, tt.password, tt.form)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.body
			if want == "" {
				want = `{"access_token":"` + s.Tokens()[0] + `","expires_in":3600,"token_type":"Bearer"}`
			}
			if r.status != tt.status || r.body != want {
				t.Errorf("got %d %s, want %d %s", r.status, r.body, tt.status, want)
			}
			if got := r.header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: %q", got)
			}
			tt.counts.Requests, tt.counts.TokenRequests, tt.counts.MaxInFlight = 1, 1, 1
			if got := s.AccountCounts(testClient); got != tt.counts {
				t.Errorf("counts: got %+v, want %+v", got, tt.counts)
			}
		})
	}
}

// The secret in the form is not accepted, and an unknown client learns no more than one with
// a wrong secret.
func TestTokenEndpointOtherClients(t *testing.T) {
	s := startWithAccount(t, Options{}, Account{})
	c := client(t)
	for _, form := range []string{clientCredentials, clientCredentials + "&client_id=" + testClient + "&client_secret=" + testSecret} {
		r, err := requestToken(t.Context(), c, s, "", "", form)
		if err != nil || r.status != 401 || r.body != `{"error":"invalid_client"}` || r.challenge() != `Basic realm="MMS Public API"` {
			t.Errorf("%s: %+v, %v", form, r, err)
		}
	}
	r, err := requestToken(t.Context(), c, s, "mdb_sa_id_other", testSecret, clientCredentials)
	if err != nil || r.status != 401 || r.body != `{"error":"invalid_client"}` {
		t.Errorf("unknown client: %+v, %v", r, err)
	}
	if r := do(t, c, http.MethodGet, s.URL()+tokenPath, ""); r.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %+v", r)
	}
	if got := s.Counts(); got.TokenRequests != 4 || got.Requests != 4 || got.Tokens != 0 || got.Refused != 1 {
		t.Errorf("counts: %+v", got)
	}
}

// Without an account the server is an Ops Manager, which knows neither the endpoint nor
// bearer tokens.
func TestNoAccounts(t *testing.T) {
	s := start(t, Options{}, Org{})
	c := client(t)
	for name, r := range map[string]reply{
		"endpoint": do(t, c, http.MethodPost, s.URL()+tokenPath, ""),
		"bearer":   do(t, c, http.MethodGet, s.URL()+testPath, "Bearer token"),
	} {
		if r.status != 401 || r.nonce(t) == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if got := s.Counts(); got.TokenRequests != 0 {
		t.Errorf("counts: %+v", got)
	}
}

func TestBearer(t *testing.T) {
	now := clock.New()
	s := startWithAccount(t, Options{Now: now.Now}, Account{Lifetime: time.Minute})
	c := client(t)
	status := func(token string) reply { return do(t, c, http.MethodGet, s.URL()+testPath, "bearer "+token) }
	accepted := func(what, token string) {
		t.Helper()
		if r := status(token); r.status != 200 || r.body != `{"status": "SYNCED"}` {
			t.Errorf("%s: %+v", what, r)
		}
	}
	rejected := func(what, token string) {
		t.Helper()
		r := status(token)
		if r.status != 401 || r.body != opsManagerBody || r.challenge() != `Bearer realm="MMS Public API", error="invalid_token"` {
			t.Errorf("%s: %+v", what, r)
		}
	}
	first, second := newToken(t, c, s), newToken(t, c, s)
	accepted("first", first)
	accepted("second", second)
	rejected("unknown", first+"x")
	if r := login(t, c, s, http.MethodGet, testPath); r.status != 200 {
		t.Errorf("digest: %+v", r)
	}

	s.RevokeToken(first)
	rejected("revoked", first)
	accepted("other than the revoked", second)
	s.RevokeTokens()
	rejected("all revoked", second)

	third := newToken(t, c, s)
	s.SetAccount(testClient, Account{Secret: "new", Lifetime: time.Minute})
	accepted("after rotation", third)
	if r, err := requestToken(t.Context(), c, s, testClient, testSecret, clientCredentials); err != nil || r.status != 401 {
		t.Errorf("old secret: %+v, %v", r, err)
	}
	if r, err := requestToken(t.Context(), c, s, testClient, "new", clientCredentials); err != nil || r.status != 200 {
		t.Errorf("new secret: %+v, %v", r, err)
	}
	now.Advance(59 * time.Second)
	accepted("before its end", third)
	now.Advance(time.Second)
	rejected("expired", third)

	s.SetAccount(testClient, Account{Secret: testSecret})
	fourth := newToken(t, c, s)
	s.Restart()
	accepted("after a restart", fourth)
	s.RemoveAccount(testClient)
	rejected("account removed", fourth)

	if got := s.Tokens(); len(got) != 5 || !slices.Contains(got, first) || got[4] != fourth {
		t.Errorf("issued: %q", got)
	}
	if got := s.OrgCounts(testOrg); got.Tokens != 0 || got.TokenRequests != 0 || got.Refused != 5 || got.OK != 7 {
		t.Errorf("counts: %+v", got)
	}
}

func TestBearerRoleAndLimit(t *testing.T) {
	s := startWithAccount(t, Options{Limit: Limit{Requests: 3}}, Account{})
	s.SetAccount("mdb_sa_id_other", Account{Secret: testSecret})
	c := client(t)
	token := newToken(t, c, s)
	get := func() reply { return do(t, c, http.MethodGet, s.URL()+testPath, "Bearer "+token) }
	s.SetOrg(testOrg, Org{Keys: []string{"mdb_sa_id_other", testPublic}})
	if r := get(); r.status != 401 || !strings.Contains(r.body, "USER_UNAUTHORIZED") {
		t.Errorf("account of another organization: %+v", r)
	}
	s.SetOrg(testOrg, Org{Keys: []string{testClient}})
	if r := get(); r.status != 200 {
		t.Errorf("account of the organization: %+v", r)
	}
	s.SetOrg(testOrg, Org{Keys: []string{}})
	s.SetGlobal(testClient)
	if r := get(); r.status != 200 {
		t.Errorf("global account: %+v", r)
	}
	newToken(t, c, s) // does not count
	if r := get(); r.status != 429 {
		t.Errorf("over the limit: %+v", r)
	}
}

func TestTokenAnswers(t *testing.T) {
	tests := []struct {
		name   string
		answer Answer
		status int
		body   string // TOKEN is the token
		header string // a line that must be there
	}{
		{"429 with Retry-After", RateLimited("30"), 429, "", "Retry-After: 30"},
		{"429", RateLimited(""), 429, "", ""},
		{"5xx", HTML(503), 503, "", "Content-Type: text/html;charset=iso-8859-1"},
		{"HTML", HTML(200), 200, "", "Content-Type: text/html;charset=iso-8859-1"},
		{"redirect", Redirect("https://other.example.net/", 307), 307, "", "Location: https://other.example.net/"},
		{"cached", WithHeader("Age", "600", Token()), 200, `{"access_token":"TOKEN","expires_in":3600,"token_type":"Bearer"}`, "Age: 600"},
		{"other type", TokenWith("token_type", "mac"), 200, `{"access_token":"TOKEN","expires_in":3600,"token_type":"mac"}`, ""},
		{"no token", TokenWith("access_token", nil), 200, `{"expires_in":3600,"token_type":"Bearer"}`, ""},
		{"odd lifetime", TokenWith("expires_in", json.RawMessage("1e400")), 200, `{"access_token":"TOKEN","expires_in":1e400,"token_type":"Bearer"}`, ""},
		{"large", TokenWith("scope", "xxx"), 200, `{"access_token":"TOKEN","expires_in":3600,"scope":"xxx","token_type":"Bearer"}`, ""},
		{"no JSON value", TokenWith("scope", make(chan int)), 200, "json: unsupported type: chan int", ""},
		{"slow", Slowly(time.Microsecond, Token()), 200, `{"access_token":"TOKEN","expires_in":3600,"token_type":"Bearer"}`, "Cache-Control: no-store"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, a := range []Account{{Answer: tt.answer, Delay: time.Microsecond}, {BeforeAuth: tt.answer}} {
				s := startWithAccount(t, Options{}, a)
				r, err := requestToken(t.Context(), client(t), s, testClient, testSecret, clientCredentials)
				if err != nil {
					t.Fatal(err)
				}
				body := r.body
				if issued := s.Tokens(); len(issued) == 1 {
					body = strings.Replace(body, issued[0], "TOKEN", 1)
				}
				if r.status != tt.status || tt.body != "" && body != tt.body {
					t.Errorf("got %d %s, want %d %s", r.status, body, tt.status, tt.body)
				}
				if name, value, _ := strings.Cut(tt.header, ": "); r.header.Get(name) != value {
					t.Errorf("%s: %q, want %q", name, r.header.Get(name), value)
				}
			}
		})
	}
}

// Connections that break, and an endpoint that hangs for one account alone.
func TestTokenFaults(t *testing.T) {
	for name, a := range map[string]Account{
		"reset": {Answer: Reset()}, "cut": {BeforeAuth: Cut()}, "halved": {Answer: Halved(Token())},
	} {
		t.Run(name, func(t *testing.T) {
			s := startWithAccount(t, Options{}, a)
			if r, err := requestToken(t.Context(), client(t), s, testClient, testSecret, clientCredentials); err == nil {
				t.Errorf("got %+v", r)
			}
		})
	}
	t.Run("hang", func(t *testing.T) {
		s := startWithAccount(t, Options{}, Account{})
		s.SetAccount("mdb_sa_id_other", Account{Secret: testSecret, Answer: Hang()})
		ctx, cancel := context.WithCancel(t.Context())
		var hung sync.WaitGroup
		hung.Go(func() {
			if r, err := requestToken(ctx, client(t), s, "mdb_sa_id_other", testSecret, clientCredentials); err == nil {
				t.Errorf("got %+v", r)
			}
		})
		newToken(t, client(t), s)
		cancel()
		hung.Wait()
	})
}

// Servers side by side know each other's accounts and tokens.
func TestTokensBeside(t *testing.T) {
	s := startWithAccount(t, Options{}, Account{})
	other, err := Start(Options{Beside: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	c := client(t)
	if r := do(t, c, http.MethodGet, other.URL()+testPath, "Bearer "+newToken(t, c, s)); r.status != 200 {
		t.Errorf("%+v", r)
	}
	other.RevokeTokens()
	if r := do(t, c, http.MethodGet, s.URL()+testPath, "Bearer "+s.Tokens()[0]); r.status != 401 {
		t.Errorf("%+v", r)
	}
}
