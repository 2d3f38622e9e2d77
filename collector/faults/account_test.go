package faults_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/exposition"
	"opsmanager_exporter/collector/testkit/wait"
)

// isTwin reports whether f is a fault of another family, met with a service account.
func (f fault) isTwin() bool { return f.account && strings.HasPrefix(f.name, "account ") }

// concernsAccounts reports whether a fault of a family has the same result with a service
// account as with an API key.
func (f fault) concernsAccounts(family string) bool {
	switch family {
	case "digest":
		return false
	case "http":
		return f.name != "missing role with a challenge" // of digest authentication
	case "front":
		return f.answer != nil && !strings.Contains(f.name, "Authentication-Info") && !strings.Contains(f.name, "of another request")
	}
	return !f.program
}

// account is a target with a service account whose requests for tokens get an answer, until
// it is mended.
func account(a simulator.Account) func(scene) target {
	return func(s scene) target {
		server := s.simulate(simulator.Options{})
		a.Secret = privateKey
		server.SetAccount(publicKey, a)
		return target{url: server.URL(), account: true, mend: func() { server.SetAccount(publicKey, simulator.Account{Secret: privateKey}) }}
	}
}

// tokens is account with an answer.
func tokens(answer simulator.Answer) func(scene) target {
	return account(simulator.Account{Answer: answer})
}

// clockedAccount is a target with a service account and a wrong clock.
func clockedAccount(now func() time.Time, lifetime time.Duration) func(scene) target {
	return func(s scene) target {
		server := s.simulate(simulator.Options{Now: now})
		server.SetAccount(publicKey, simulator.Account{Secret: privateKey, Lifetime: lifetime})
		return target{url: server.URL(), account: true}
	}
}

// revoking is a target that revokes all tokens at each response.
func revoking(s scene) target {
	server := s.simulate(simulator.Options{})
	for _, org := range s.orgs {
		server.SetOrg(org, simulator.Org{Answer: func(w http.ResponseWriter, r *http.Request) {
			server.RevokeTokens()
			simulator.Status("SYNCED")(w, r)
		}})
	}
	// One at a time: otherwise the new token may be revoked by the next response.
	return target{url: server.URL(), account: true, settings: "max_concurrent_requests: 1"}
}

// removed is a target without the service account, until it is mended.
func removed(s scene) target {
	server := s.simulate(simulator.Options{})
	server.RemoveAccount(publicKey)
	return target{url: server.URL(), account: true, mend: func() { server.SetAccount(publicKey, simulator.Account{Secret: privateKey}) }}
}

// refusing is a target whose API refuses every token, until it is mended.
func refusing(answer simulator.Answer) func(scene) target {
	return func(s scene) target {
		server := s.simulate(simulator.Options{})
		for _, org := range s.orgs {
			server.SetOrg(org, simulator.Org{BeforeAuth: answer})
		}
		return target{url: server.URL(), account: true, mend: func() {
			for _, org := range s.orgs {
				server.SetOrg(org, simulator.Org{})
			}
		}}
	}
}

// accountFaults returns the faults of service accounts and of the endpoint for their tokens.
func accountFaults() []fault {
	lie := func(member string, value any) func(scene) target { return tokens(simulator.TokenWith(member, value)) }
	body := func(code int, text string) func(scene) target {
		return tokens(simulator.Body(code, "application/json", text))
	}
	with := func(name, value string) func(scene) target {
		return tokens(simulator.WithHeader(name, value, simulator.Token()))
	}
	return []fault{
		{name: "no fault", want: "1", target: account(simulator.Account{})},
		{name: "removed", want: "unauthorized", target: removed},
		{name: "wrong secret", want: "unauthorized", target: func(s scene) target {
			t := account(simulator.Account{})(s)
			t.key, t.mend = strings.Replace(inlineKey, privateKey, "wrong", 1), nil
			return t
		}},
		{name: "only at Cloud Manager", want: "not_found", target: account(simulator.Account{BeforeAuth: simulator.HTML(404)})},
		{name: "an API key instead", want: "unauthorized", target: removed},

		{name: "tokens of a second", want: "1", target: account(simulator.Account{Lifetime: time.Second})},
		{name: "tokens of no time", want: "unauthorized", target: clockedAccount(time.Now, 1)},
		{name: "clock in another century", want: "1", target: clockedAccount(func() time.Time { return time.Now().AddDate(-100, 0, 0) }, 0)},
		{name: "clock of the future", want: "1", target: clockedAccount(func() time.Time { return time.Now().AddDate(100, 0, 0) }, 0)},
		{name: "revoked each time", want: "1", target: revoking},
		{name: "every token refused", want: "unauthorized", target: refusing(challenged(`Bearer error="invalid_token"`))},
		{name: "every token refused, digest wanted", want: "unauthorized", target: refusing(challenged(`Digest realm="x", nonce="y", qop="auth"`))},
		{name: "every token refused, stale", want: "unauthorized", target: refusing(challenged(`Digest realm="x", nonce="y", qop="auth", stale=true`))},
		{name: "role missing", want: "role", target: refusing(simulator.MissingRole(false))},

		{name: "hangs", want: "timeout", target: tokens(simulator.Hang())},
		{name: "slow body", want: "timeout", target: tokens(simulator.Slowly(time.Second, simulator.Token()))},
		{name: "slow", want: "1", target: account(simulator.Account{Delay: 100 * time.Millisecond})},
		{name: "hangs once", want: "1", target: tokens(simulator.Sequence(simulator.Hang(), simulator.Token())), or: "timeout"},
		{name: "cut", want: "connect", target: tokens(simulator.Cut())},
		{name: "half of a body", want: "connect", target: tokens(simulator.Halved(simulator.Token()))},
		{name: "reset", want: "connect", target: tokens(simulator.Reset())},
		{name: "400 invalid_client", want: "unauthorized", target: body(400, `{"error":"invalid_client"}`)},
		{name: "400 invalid_scope", want: "bad_response", target: body(400, `{"error":"invalid_scope"}`)},
		{name: "401 without a body", want: "unauthorized", target: body(401, "")},
		{name: "access list", want: "access_list", target: tokens(simulator.NotOnAccessList("192.0.2.7"))},
		{name: "403", want: "forbidden", target: tokens(simulator.HTML(403))},
		{name: "429", want: "rate_limited", target: tokens(simulator.RateLimited(""))},
		{name: "429 for an hour", want: "rate_limited", target: tokens(simulator.RateLimited("3600"))},
		{name: "500", want: "server_error", target: tokens(simulator.UnexpectedError())},
		{name: "503 in HTML", want: "server_error", target: tokens(simulator.HTML(503))},
		{name: "redirect", want: "redirect", target: tokens(simulator.Redirect(elsewhere+"api/oauth/token", 308))},
		{name: "HTML", want: "bad_response", target: tokens(simulator.HTML(200))},
		{name: "a status", want: "bad_response", target: tokens(simulator.Status("SYNCED"))},
		{name: "empty", want: "bad_response", target: body(200, "")},
		{name: "no token", want: "bad_response", target: lie("access_token", nil)},
		{name: "empty token", want: "bad_response", target: lie("access_token", "")},
		{name: "token is a number", want: "bad_response", target: lie("access_token", 1)},
		{name: "token of two lines", want: "bad_response", target: lie("access_token", "a\r\nb: c")},
		{name: "another token", want: "unauthorized", target: lie("access_token", "YW5vdGhlcg==")},
		{name: "token of 60 KiB", want: "bad_response", target: lie("access_token", strings.Repeat("a", 60<<10))},
		{name: "no type", want: "bad_response", target: lie("token_type", nil)},
		{name: "another type", want: "bad_response", target: lie("token_type", "DPoP")},
		{name: "type in lower case", want: "1", target: lie("token_type", "bearer")},
		{name: "no end", want: "1", target: lie("expires_in", nil)},
		{name: "end at once", want: "1", target: lie("expires_in", 0)},
		{name: "end in the past", want: "1", target: lie("expires_in", -3600)},
		{name: "end in another century", want: "1", target: lie("expires_in", int64(1)<<40)},
		{name: "end in words", want: "bad_response", target: lie("expires_in", "tomorrow")},
		{name: "an error in a 200", want: "bad_response", target: lie("error", "invalid_client")},
		{name: "body of 64 MiB", want: "bad_response", target: tokens(simulator.HugeBody(64 << 20))},
		{name: "gzip", want: "1", target: tokens(simulator.Gzip(simulator.Token()))},
		{name: "broken gzip", want: "bad_response", target: tokens(simulator.BrokenGzip())},
		{name: "token of a cache", want: "bad_response", target: with("Age", "60")},
		{name: "token of a cache, a hit", want: "bad_response", target: with("X-Cache", "HIT")},
	}
}

// TestAccountUnderLoad scrapes organizations with API keys and many more of one service
// account, at one Ops Manager, while the endpoint for tokens hangs, is slow, limited or lies:
// that costs those with keys nothing, and the endpoint few requests.
func TestAccountUnderLoad(t *testing.T) {
	ci.Long(t)
	for name, tt := range map[string]struct {
		account simulator.Account
		want    string
	}{
		"hangs":        {simulator.Account{Answer: simulator.Hang()}, "timeout"},
		"is slow":      {simulator.Account{Delay: 50 * time.Millisecond}, "1"},
		"is limited":   {simulator.Account{Answer: simulator.RateLimited("60")}, "rate_limited"},
		"fails":        {simulator.Account{Answer: simulator.UnexpectedError()}, "server_error"},
		"lies":         {simulator.Account{Answer: simulator.TokenWith("token_type", "mac")}, "bad_response"},
		"wrong secret": {simulator.Account{Secret: "another"}, "unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.account.Secret == "" {
				tt.account.Secret = privateKey
			}
			wait.Growing(t, pollTimeout, func(timeout time.Duration) error { return burden(t, tt.account, tt.want, timeout) })
		})
	}
}

// burden scrapes three times, and returns an error unless the organizations of the account
// are as wanted and all others are healthy.
func burden(t *testing.T, account simulator.Account, want string, timeout time.Duration) error {
	t.Helper()
	w := newWorld(t, 6)
	w.timeout = timeout
	w.healthy.SetAccount(publicKey, account)
	orgs := ids(60, faultOrg)
	for _, org := range orgs {
		w.healthy.SetOrg(org, simulator.Org{})
	}
	w.load(t, nil, manager("account", target{url: w.healthy.URL(), account: true}, orgs...))
	for range 3 {
		w.healthy.ResetCounts()
		begun := time.Now()
		s, err := w.tryScrape(t)
		if err != nil {
			return err
		}
		// One request in a quarter of the timeout if there is no answer, and one in a second
		// if the answer is of no use.
		most := 2 + int(time.Since(begun)/min(timeout/4, time.Second))
		if got := w.healthy.Counts().TokenRequests; got > most {
			return fmt.Errorf("%d token requests in a scrape, want at most %d", got, most)
		}
		seen := states(t, s, orgs)
		if unreached := seen["not_reached"]; seen[want] == 0 || seen[want]+unreached != len(orgs) {
			return fmt.Errorf("got %v, want %s", seen, want)
		}
	}
	return nil
}

// states counts the states of organizations.
func states(t *testing.T, s exposition.Samples, orgs []string) map[string]int {
	t.Helper()
	seen := make(map[string]int)
	for _, org := range orgs {
		seen[s.State(t, org)]++
	}
	return seen
}
