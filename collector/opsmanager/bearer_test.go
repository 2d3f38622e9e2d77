package opsmanager_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/clock"
	"opsmanager_exporter/config"
)

const (
	testClient = "mdb_sa_id_66f2c1e7a9b0d4123456abcd"
	testSecret = "mdb_sa_sk_Zm9v+_YmFy/mF6cXV4"
)

func accountOf(id, secret string) config.KeyPair {
	return config.KeyPair{Kind: config.ServiceAccount, Public: config.NewSecret(id), Private: config.NewSecret(secret)}
}

// simulateAccount starts a simulated Cloud Manager with the test account. change, if not
// nil, may modify the options of the client.
func simulateAccount(t testing.TB, o simulator.Options, a simulator.Account, org simulator.Org, change func(*opsmanager.Options)) (*simulator.Server, *rig) {
	t.Helper()
	s := simulate(t, o, org)
	a.Secret = testSecret
	s.SetAccount(testClient, a)
	r := newRig(t, s.URL(), change)
	r.key = accountOf(testClient, testSecret)
	return s, r
}

func TestServiceAccount(t *testing.T) {
	for name, prefix := range map[string]string{"no prefix": "", "prefix": "/om"} {
		t.Run(name, func(t *testing.T) {
			s, r := simulateAccount(t, simulator.Options{PathPrefix: prefix}, simulator.Account{}, simulator.Org{}, nil)
			for range 3 {
				r.synced(t)
			}
			want := simulator.Counts{Requests: 4, OK: 4, TokenRequests: 1, Tokens: 1, Connections: 1, Open: 1, MaxInFlight: 1}
			if got := s.Counts(); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if got := r.codes(); len(got) != 4 {
				t.Errorf("observed %v", got)
			}
		})
	}
}

// All polls of an account share one token request.
func TestManyPollsOneToken(t *testing.T) {
	s, r := simulateAccount(t, simulator.Options{}, simulator.Account{Delay: 50 * time.Millisecond}, simulator.Org{}, func(o *opsmanager.Options) { o.MaxConnections = 50 })
	r.many(t, 50)
	r.many(t, 50)
	if got := s.Counts(); got.TokenRequests != 1 || got.Requests != 101 {
		t.Errorf("got %+v", got)
	}
}

func TestReasonsOfTokens(t *testing.T) {
	const prefix = "token request: "
	body := func(text string) simulator.Answer {
		return simulator.Body(http.StatusOK, "application/json", text)
	}
	lie := simulator.TokenWith
	const (
		notToken = prefix + "HTTP 200: the body is not a token response in JSON as of RFC 6749"
		badValue = prefix + "HTTP 200: access_token is empty, longer than 16 KiB, or has characters that no token may have"
		notType  = prefix + "HTTP 200: token_type is not Bearer"
	)
	for name, tt := range map[string]struct {
		answer simulator.Answer
		want   failure
	}{
		"400 invalid_client":  {simulator.Body(400, "application/json", `{"error":"invalid_client","error_description":"`+testSecret+`"}`), failure{opsmanager.ReasonUnauthorized, 400, "invalid_client", prefix + "HTTP 400 invalid_client"}},
		"400 other":           {simulator.Body(400, "application/json", `{"error":"invalid_scope"}`), failure{opsmanager.ReasonBadResponse, 400, "invalid_scope", prefix + "HTTP 400 invalid_scope"}},
		"401":                 {simulator.Body(401, "", ""), failure{opsmanager.ReasonUnauthorized, 401, "", prefix + "HTTP 401"}},
		"401 unknown error":   {simulator.Body(401, "application/json", `{"error":"`+testSecret+`"}`), failure{opsmanager.ReasonUnauthorized, 401, "", prefix + "HTTP 401"}},
		"401 role":            {simulator.MissingRole(false), failure{opsmanager.ReasonRole, 401, "USER_UNAUTHORIZED", prefix + "HTTP 401 USER_UNAUTHORIZED"}},
		"access list":         {simulator.NotOnAccessList("192.0.2.7"), failure{opsmanager.ReasonAccessList, 403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", prefix + "HTTP 403 IP_ADDRESS_NOT_ON_ACCESS_LIST: from address 192.0.2.7"}},
		"403":                 {simulator.Body(403, "", "no"), failure{opsmanager.ReasonForbidden, 403, "", prefix + "HTTP 403"}},
		"404":                 {simulator.HTML(404), failure{opsmanager.ReasonNotFound, 404, "", prefix + "HTTP 404"}},
		"429":                 {simulator.RateLimited("30"), failure{opsmanager.ReasonRateLimited, 429, "RATE_LIMITED", prefix + "HTTP 429 RATE_LIMITED: retry after 30s"}},
		"500":                 {simulator.UnexpectedError(), failure{opsmanager.ReasonServerError, 500, "UNEXPECTED_ERROR", prefix + "HTTP 500 UNEXPECTED_ERROR"}},
		"502":                 {simulator.HTML(502), failure{opsmanager.ReasonServerError, 502, "", prefix + "HTTP 502"}},
		"redirect":            {simulator.Redirect("https://127.0.0.1:1/elsewhere", 307), failure{opsmanager.ReasonRedirect, 307, "", prefix + "HTTP 307"}},
		"HTML":                {simulator.HTML(200), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"empty":               {body(""), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"form":                {simulator.Body(200, "text/plain", "access_token=a&token_type=Bearer"), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"two values":          {body(`{"access_token":"a","token_type":"Bearer"} {}`), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"cut JSON":            {body(`{"access_token":"a","token_type":"Bearer"`), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"error in a 200":      {lie("error", "invalid_client"), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"no token":            {lie("access_token", nil), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"token is a number":   {lie("access_token", 1), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"empty token":         {lie("access_token", ""), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"token with a space":  {lie("access_token", "a b"), failure{opsmanager.ReasonBadResponse, 200, "", badValue}},
		"token with a line":   {lie("access_token", "a\r\nX: y"), failure{opsmanager.ReasonBadResponse, 200, "", badValue}},
		"token of padding":    {lie("access_token", "=="), failure{opsmanager.ReasonBadResponse, 200, "", badValue}},
		"padding inside":      {lie("access_token", "a=b"), failure{opsmanager.ReasonBadResponse, 200, "", badValue}},
		"long token":          {lie("access_token", strings.Repeat("a", 17<<10)), failure{opsmanager.ReasonBadResponse, 200, "", badValue}},
		"no type":             {lie("token_type", nil), failure{opsmanager.ReasonBadResponse, 200, "", notType}},
		"other type":          {lie("token_type", "mac"), failure{opsmanager.ReasonBadResponse, 200, "", notType}},
		"expires_in is text":  {lie("expires_in", "soon"), failure{opsmanager.ReasonBadResponse, 200, "", notToken}},
		"over 64 KiB":         {simulator.HugeBody(1 << 20), failure{opsmanager.ReasonBadResponse, 200, "", prefix + "HTTP 200: the body is larger than 64 KiB"}},
		"of a cache":          {simulator.WithHeader("Age", "7", simulator.Token()), failure{opsmanager.ReasonBadResponse, 200, "", prefix + "HTTP 200: the response has an Age header: a cache responded in place of Ops Manager, or a clock is behind"}},
		"a hit":               {simulator.WithHeader("X-Cache", "HIT", simulator.Token()), failure{opsmanager.ReasonBadResponse, 200, "", prefix + "HTTP 200: a cache responded in place of Ops Manager"}},
		"broken gzip":         {simulator.BrokenGzip(), failure{opsmanager.ReasonBadResponse, 200, "", prefix + "HTTP 200: the body is corrupt gzip"}},
		"201":                 {simulator.Body(201, "application/json", `{"access_token":"a","token_type":"Bearer"}`), failure{opsmanager.ReasonBadResponse, 201, "", prefix + "HTTP 201"}},
		"cut":                 {simulator.Cut(), failure{opsmanager.ReasonConnect, 0, "", prefix + "net/http: HTTP/1.x transport connection broken: unexpected EOF"}},
		"half of the body":    {simulator.Halved(simulator.Token()), failure{opsmanager.ReasonConnect, 0, "", prefix + "unexpected EOF"}},
		"role is not this":    {simulator.Code(403, "NOT_ORG_ADMIN"), failure{opsmanager.ReasonRole, 403, "NOT_ORG_ADMIN", prefix + "HTTP 403 NOT_ORG_ADMIN"}},
		"400 grant not known": {simulator.Body(400, "application/json", `{"error":"unsupported_grant_type"}`), failure{opsmanager.ReasonBadResponse, 400, "unsupported_grant_type", prefix + "HTTP 400 unsupported_grant_type"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := clock.New()
			s, r := simulateAccount(t, simulator.Options{PathPrefix: "/om"}, simulator.Account{Answer: tt.answer}, simulator.Org{}, func(o *opsmanager.Options) {
				o.Sessions = opsmanager.NewSessionsAt(now.Now)
			})
			for range 3 { // which share the failure
				status, err := r.poll(t)
				tt.want.check(t, status, err)
			}
			if got := s.Counts(); got.TokenRequests != 1 || got.Requests != 1 {
				t.Errorf("got %+v", got)
			}
			s.SetAccount(testClient, simulator.Account{Secret: testSecret})
			now.Advance(time.Minute)
			r.synced(t)
		})
	}
}

// Tokens that are unusual, but usable.
func TestOddTokens(t *testing.T) {
	for name, answer := range map[string]simulator.Answer{
		"type in lower case":     simulator.TokenWith("token_type", "bearer"),
		"type in upper case":     simulator.TokenWith("token_type", "BEARER"),
		"no expires_in":          simulator.TokenWith("expires_in", nil),
		"expires_in 0":           simulator.TokenWith("expires_in", 0),
		"expires_in negative":    simulator.TokenWith("expires_in", -1),
		"expires_in absurd":      simulator.TokenWith("expires_in", int64(1)<<62),
		"expires_in in quotes":   simulator.TokenWith("expires_in", "3600"),
		"unknown member":         simulator.TokenWith("scope", "mdb:*"),
		"gzip":                   simulator.Gzip(simulator.Token()),
		"a zero Age":             simulator.WithHeader("Age", "0", simulator.Token()),
		"closes the connection":  simulator.CloseAfter(simulator.Token()),
		"sent byte by byte":      simulator.Slowly(0, simulator.Token()),
		"another content type":   simulator.WithHeader("Content-Type", "text/html", simulator.Token()),
		"sets a cookie":          simulator.WithHeader("Set-Cookie", "a=b", simulator.Token()),
		"a new connection later": simulator.WithHeader("Connection", "close", simulator.Token()),
	} {
		t.Run(name, func(t *testing.T) {
			s, r := simulateAccount(t, simulator.Options{}, simulator.Account{Answer: answer}, simulator.Org{}, nil)
			for range 3 {
				r.synced(t)
			}
			if got := s.Counts(); got.TokenRequests != 1 || got.Requests != 4 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A token lasts as long as the server says, less a tenth, on our clock alone.
func TestTokenEnds(t *testing.T) {
	for name, skew := range map[string]time.Duration{"same clocks": 0, "theirs is ahead": 5 * time.Hour, "theirs is behind": -5 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			ours := clock.New()
			theirs := func() time.Time { return ours.Now().Add(skew) }
			s, r := simulateAccount(t, simulator.Options{Now: theirs}, simulator.Account{Lifetime: 100 * time.Second}, simulator.Org{}, func(o *opsmanager.Options) {
				o.Sessions = opsmanager.NewSessionsAt(ours.Now)
			})
			for _, step := range []struct {
				after  time.Duration
				tokens int
			}{{0, 1}, {89 * time.Second, 1}, {time.Second, 2}, {89 * time.Second, 2}, {time.Hour, 3}, {-2 * time.Hour, 4}} {
				ours.Advance(step.after)
				r.synced(t)
				if got := s.Counts(); got.Tokens != step.tokens || got.Unauthorized != 0 {
					t.Errorf("after %s: %+v, want %d tokens", step.after, got, step.tokens)
				}
			}
		})
	}
}

// While a token that ends soon is renewed, other polls use it, and so does the one that
// renews it if that fails.
func TestTokenRenewalFails(t *testing.T) {
	for name, answer := range map[string]simulator.Answer{"fails": simulator.UnexpectedError(), "hangs": simulator.Hang(), "429": simulator.RateLimited("3600")} {
		t.Run(name, func(t *testing.T) {
			now := clock.New()
			s, r := simulateAccount(t, simulator.Options{Now: now.Now}, simulator.Account{Lifetime: 5 * time.Minute}, simulator.Org{}, func(o *opsmanager.Options) {
				o.Sessions, o.Timeout, o.MaxConnections = opsmanager.NewSessionsAt(now.Now), time.Second, 50
			})
			r.synced(t)
			s.SetAccount(testClient, simulator.Account{Secret: testSecret, Answer: answer})
			now.Advance(4*time.Minute + 40*time.Second)
			r.many(t, 50)
			r.many(t, 50)
			if got := s.Counts(); got.TokenRequests != 2 || got.Tokens != 1 {
				t.Errorf("got %+v", got)
			}
			now.Advance(20 * time.Second) // it has ended
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := r.read(ctx, r.key, testOrg); err == nil || !strings.HasPrefix(err.Error(), "token request: ") {
				t.Errorf("got %v", err)
			}
			s.SetAccount(testClient, simulator.Account{Secret: testSecret})
			now.Advance(time.Minute)
			r.synced(t)
		})
	}
}

// A token that is revoked costs one more, however many polls use it.
func TestTokenRevoked(t *testing.T) {
	s, r := simulateAccount(t, simulator.Options{}, simulator.Account{}, simulator.Org{}, func(o *opsmanager.Options) { o.MaxConnections = 50 })
	r.synced(t)
	for i := range 5 { // in quick succession
		s.RevokeTokens()
		s.ResetCounts()
		r.many(t, 50)
		if got := s.Counts(); got.TokenRequests != 1 || got.OK != 51 || got.Unauthorized == 0 || got.Unauthorized > 50 {
			t.Errorf("time %d: %+v", i, got)
		}
	}
}

// An API that refuses every token is asked once more with another, and then with that one
// until the next round or, if only a role is missing, for ten minutes.
func TestEveryTokenRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		answer simulator.Answer
		again  time.Duration // when another token is requested
		want   failure
	}{
		"401":  {simulator.Body(401, "", ""), 1, failure{opsmanager.ReasonUnauthorized, 401, "", "HTTP 401: the access token was rejected, and so was a new one"}},
		"role": {simulator.MissingRole(false), 10 * time.Minute, failure{opsmanager.ReasonRole, 401, "USER_UNAUTHORIZED", "HTTP 401 USER_UNAUTHORIZED"}},
	} {
		t.Run(name, func(t *testing.T) {
			now := clock.New()
			s, r := simulateAccount(t, simulator.Options{Now: now.Now}, simulator.Account{}, simulator.Org{Answer: tt.answer}, func(o *opsmanager.Options) {
				o.Sessions = opsmanager.NewSessionsAt(now.Now)
			})
			for range 10 {
				status, err := r.poll(t)
				tt.want.check(t, status, err)
			}
			if got := s.Counts(); got.Requests != 13 || got.TokenRequests != 2 {
				t.Errorf("got %+v, want two tokens and 11 polls", got)
			}
			now.Advance(tt.again)
			_, _ = r.poll(t)
			if got := s.Counts(); got.TokenRequests != 3 {
				t.Errorf("got %+v, want one token more", got)
			}
		})
	}
}

// A token that the server calls invalid is replaced, even if the body says that a role is missing.
func TestInvalidTokenIsNoMissingRole(t *testing.T) {
	invalid := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="a", error="invalid_token"`)
		simulator.MissingRole(false)(w, r)
	}
	synced := simulator.Status("SYNCED")
	s, r := simulateAccount(t, simulator.Options{}, simulator.Account{}, simulator.Org{Answer: simulator.Sequence(synced, invalid, synced)}, nil)
	r.synced(t)
	r.synced(t)
	if got := s.Counts(); got.TokenRequests != 2 || got.Unauthorized != 1 {
		t.Errorf("got %+v", got)
	}
}

// An organization in which the account has no role costs no token in a round in which
// another one was read.
func TestRoleMissingInOneOrganization(t *testing.T) {
	const other = "5f1e9c2b8d3a4e0012ab34ce"
	s, r := simulateAccount(t, simulator.Options{}, simulator.Account{}, simulator.Org{}, nil)
	s.SetOrg(other, simulator.Org{Keys: []string{"another"}})
	for range 10 {
		round := r.Round()
		if _, err := round.MigrationLinkStatus(t.Context(), r.key, testOrg); err != nil {
			t.Error(err)
		}
		if _, err := round.MigrationLinkStatus(t.Context(), r.key, other); opsmanager.ReasonOf(err) != opsmanager.ReasonRole {
			t.Errorf("got %v", err)
		}
	}
	if got := s.Counts(); got.Requests != 21 || got.TokenRequests != 1 {
		t.Errorf("got %+v", got)
	}
}

// A client with a broken proxy fails alone, whatever shares its account: another Ops
// Manager in the configuration, or the one that a reload puts in its place.
func TestTokenFailureOfAnotherClient(t *testing.T) {
	sessions := opsmanager.NewSessions()
	share := func(o *opsmanager.Options) { o.Sessions = sessions }
	s, good := simulateAccount(t, simulator.Options{}, simulator.Account{}, simulator.Org{}, share)
	bad := newRig(t, s.URL(), func(o *opsmanager.Options) {
		share(o)
		o.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:1") }
	})
	round := good.Round()
	if _, err := bad.read(t.Context(), good.key, testOrg); opsmanager.ReasonOf(err) != opsmanager.ReasonConnect {
		t.Errorf("got %v", err)
	}
	if _, err := round.MigrationLinkStatus(t.Context(), good.key, testOrg); err != nil {
		t.Error(err)
	}
}

// Requests for tokens use the connections of polls, however the host is spelled.
func TestTokenConnectionIsShared(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Org{})
	s.SetAccount(testClient, simulator.Account{Secret: testSecret})
	r := newRig(t, strings.Replace(s.URL(), "127.0.0.1", "LocalHost", 1), nil)
	r.key = accountOf(testClient, testSecret)
	r.synced(t)
	if got := s.Counts(); got.Connections != 1 {
		t.Errorf("got %+v", got)
	}
}

// With a new secret, everything begins anew; the token of the old one is not used.
func TestSecretRotated(t *testing.T) {
	s, r := simulateAccount(t, simulator.Options{}, simulator.Account{}, simulator.Org{}, nil)
	r.synced(t)
	s.SetAccount(testClient, simulator.Account{Secret: "new"})
	r.synced(t) // the token still serves
	r.key = accountOf(testClient, "wrong")
	status, err := r.poll(t)
	failure{opsmanager.ReasonUnauthorized, 401, "invalid_client", "token request: HTTP 401 invalid_client"}.check(t, status, err)
	r.key = accountOf(testClient, "new")
	r.synced(t)
	if got := s.Counts(); got.TokenRequests != 3 || got.Tokens != 2 {
		t.Errorf("got %+v", got)
	}
}

// An endpoint for tokens that hangs is asked again after a quarter of the timeout, and not
// by every poll.
func TestTokenEndpointHangs(t *testing.T) {
	t.Parallel()
	s, r := simulateAccount(t, simulator.Options{}, simulator.Account{Answer: simulator.Hang()}, simulator.Org{}, func(o *opsmanager.Options) {
		o.Timeout, o.MaxConnections = 2*time.Second, 100
	})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			status, err := r.read(ctx, r.key, testOrg)
			failure{opsmanager.ReasonTimeout, 0, "", "token request: no complete response within the timeout of the poll"}.check(t, status, err)
		})
	}
	all.Wait()
	if got := s.Counts().TokenRequests; got < 1 || got > 6 {
		t.Errorf("%d token requests in four quarters", got)
	}
}

// One request for a token hangs and the next does not: all go on with its token.
func TestTokenRequestHangsOnce(t *testing.T) {
	t.Parallel()
	s, r := simulateAccount(t, simulator.Options{}, simulator.Account{Answer: simulator.Sequence(simulator.Hang(), simulator.Token())}, simulator.Org{}, func(o *opsmanager.Options) {
		o.Timeout, o.MaxConnections = time.Second, 50
	})
	ctx, cancel := context.WithCancel(t.Context())
	var leader sync.WaitGroup
	leader.Go(func() {
		if _, err := r.read(ctx, r.key, testOrg); opsmanager.ReasonOf(err) != opsmanager.ReasonTimeout {
			t.Errorf("got %v", err)
		}
	})
	for s.Counts().TokenRequests == 0 {
		time.Sleep(time.Millisecond)
	}
	r.many(t, 49)
	cancel()
	leader.Wait()
	if got := s.Counts(); got.TokenRequests != 2 || got.Requests != 51 {
		t.Errorf("got %+v", got)
	}
}

// The polls of a round share a failure of the endpoint for tokens. The next round asks again.
func TestTokenFailureOfARound(t *testing.T) {
	s, r := simulateAccount(t, simulator.Options{}, simulator.Account{Answer: simulator.RateLimited("20")}, simulator.Org{}, nil)
	for n := 1; n <= 3; n++ {
		round := r.Round()
		for range 5 {
			_, err := round.MigrationLinkStatus(t.Context(), r.key, testOrg)
			if e := new(opsmanager.Error); !errors.As(err, &e) || e.Reason != opsmanager.ReasonRateLimited || e.RetryAfter != 20*time.Second {
				t.Errorf("got %v", err)
			}
		}
		if got := s.Counts().TokenRequests; got != n {
			t.Errorf("%d token requests in %d rounds", got, n)
		}
	}
	s.SetAccount(testClient, simulator.Account{Secret: testSecret})
	r.synced(t)
}

// The secret goes to the endpoint for tokens and the token to the API, both of the origin in
// the configuration, and no redirect changes that.
func TestTokenGoesNowhereElse(t *testing.T) {
	var elsewhere atomic.Int64
	other := serve(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	for name, tt := range map[string]struct {
		account simulator.Account
		org     simulator.Org
	}{
		"of the token request": {simulator.Account{Answer: simulator.Redirect(other+"/api/oauth/token", 308)}, simulator.Org{}},
		"of the poll":          {simulator.Account{}, simulator.Org{Answer: simulator.Redirect(other+"/", 308)}},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := simulateAccount(t, simulator.Options{}, tt.account, tt.org, nil)
			if _, err := r.poll(t); opsmanager.ReasonOf(err) != opsmanager.ReasonRedirect {
				t.Errorf("got %v", err)
			}
		})
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests elsewhere", n)
	}
}
