package bearer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/config"
)

const origin = "https://cloud.example.net"

func testKey(secret string) config.KeyPair {
	return config.KeyPair{Kind: config.ServiceAccount, Public: config.NewSecret("client"), Private: config.NewSecret(secret)}
}

func newAccount() *Account { return NewAccounts(time.Now).Of(origin, testKey("secret")) }

// issue returns a new token with each call.
func issue(t *testing.T, lifetime time.Duration) Request {
	t.Helper()
	var n atomic.Int64
	return func(context.Context) (*Token, bool, error) {
		token, err := NewToken(Response{
			AccessToken: fmt.Sprintf("token-%d", n.Add(1)), TokenType: "Bearer", ExpiresIn: lifetime, Retracted: func() bool { return false },
		})
		if err != nil {
			t.Error(err)
		}
		return token, false, nil
	}
}

// get returns the value of the token that a poll uses.
func get(t *testing.T, a *Account, request Request) string {
	t.Helper()
	token, err := a.Token(t.Context(), Round{Began: a.now()}, time.Second, nil, request)
	if err != nil {
		t.Fatal(err)
	}
	return token.value()
}

func TestLifetime(t *testing.T) {
	for expires, want := range map[time.Duration]struct{ renewed, ends time.Duration }{
		0:                {59 * time.Minute, time.Hour},
		-time.Hour:       {59 * time.Minute, time.Hour},
		1 << 62:          {59 * time.Minute, time.Hour},
		time.Hour:        {59 * time.Minute, time.Hour},
		time.Minute:      {54 * time.Second, time.Minute},
		10 * time.Second: {9 * time.Second, 10 * time.Second},
	} {
		t.Run(expires.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, request := newAccount(), issue(t, expires)
				fails := func(context.Context) (*Token, bool, error) { return nil, false, errors.New("down") }
				get(t, a, request)
				time.Sleep(want.renewed - 1)
				if got := get(t, a, request); got != "token-1" {
					t.Errorf("renewed early: %s", got)
				}
				time.Sleep(time.Nanosecond)
				round := time.Now()
				if got := get(t, a, fails); got != "token-1" {
					t.Errorf("not used to its end: %s", got)
				}
				if token, err := a.Token(t.Context(), Round{Began: round}, time.Second, nil, request); err != nil || token.value() != "token-1" {
					t.Errorf("renewed twice in a round: %v", err)
				}
				time.Sleep(time.Nanosecond)
				if got := get(t, a, request); got != "token-2" {
					t.Errorf("not renewed: %s", got)
				}
				time.Sleep(want.ends)
				if _, err := a.Token(t.Context(), Round{Began: a.now()}, time.Second, nil, fails); err == nil {
					t.Error("used after its end")
				}
			})
		})
	}
}

// One request in a quarter of the timeout, whatever the number of polls.
func TestRequestThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount()
		var requests atomic.Int64
		hangs := func(ctx context.Context) (*Token, bool, error) {
			requests.Add(1)
			<-ctx.Done()
			return nil, true, ctx.Err()
		}
		var polls sync.WaitGroup
		for range 200 {
			polls.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel()
				if _, err := a.Token(ctx, Round{Began: a.now()}, time.Second, nil, hangs); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
			})
		}
		time.Sleep(4*time.Second - 1)
		synctest.Wait()
		if got := requests.Load(); got != 4 {
			t.Errorf("%d requests in four quarters", got)
		}
		polls.Wait()
	})
}

// A failure is shared by the polls that wait and by those of the same round that begin
// later, and not by those of the next round.
func TestFailureIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount()
		var requests atomic.Int64
		down := errors.New("down")
		fails := func(context.Context) (*Token, bool, error) {
			requests.Add(1)
			time.Sleep(100 * time.Millisecond)
			return nil, false, down
		}
		many := func(round time.Time) {
			var polls sync.WaitGroup
			for range 50 {
				polls.Go(func() {
					if _, err := a.Token(t.Context(), Round{Began: round}, time.Second, nil, fails); !errors.Is(err, down) {
						t.Errorf("got %v", err)
					}
				})
			}
			polls.Wait()
		}
		for n := range int64(3) {
			round := time.Now()
			many(round)
			time.Sleep(time.Minute)
			many(round)
			if got := requests.Load(); got != n+1 {
				t.Errorf("%d requests in %d rounds", got, n+1)
			}
		}
	})
}

// A poll whose time is over does not decide for others.
func TestTimeoutIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount()
		_, err := a.Token(t.Context(), Round{Began: a.now()}, time.Second, nil, func(context.Context) (*Token, bool, error) { return nil, true, errors.New("late") })
		if err == nil {
			t.Error("no error")
		}
		if got := get(t, a, issue(t, 0)); got != "token-1" {
			t.Errorf("got %s", got)
		}
	})
}

// A request may take longer than hold if there is no token to go on with.
func TestSlowRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		request := issue(t, 0)
		slow := func(ctx context.Context) (*Token, bool, error) {
			select {
			case <-time.After(2 * time.Second):
				return request(ctx)
			case <-ctx.Done():
				return nil, true, ctx.Err()
			}
		}
		if got := get(t, newAccount(), slow); got != "token-1" {
			t.Errorf("got %s", got)
		}
	})
}

// Renewal holds up one poll, for at most hold, and no other.
func TestRenewalThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount()
		get(t, a, issue(t, time.Hour))
		time.Sleep(59*time.Minute + time.Second)
		hangs := func(ctx context.Context) (*Token, bool, error) {
			<-ctx.Done()
			return nil, true, ctx.Err()
		}
		var leader sync.WaitGroup
		leader.Go(func() {
			begun := time.Now()
			if got := get(t, a, hangs); got != "token-1" || time.Since(begun) != time.Second {
				t.Errorf("got %s after %s", got, time.Since(begun))
			}
		})
		synctest.Wait()
		begun := time.Now()
		if got := get(t, a, hangs); got != "token-1" || time.Since(begun) != 0 {
			t.Errorf("another poll: %s after %s", got, time.Since(begun))
		}
		leader.Wait()
	})
}

// A token may end while it is renewed. Then there is time for more than hold.
func TestTokenEndsDuringRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, request := newAccount(), issue(t, time.Hour)
		get(t, a, request)
		time.Sleep(time.Hour - time.Second/2)
		slow := func(ctx context.Context) (*Token, bool, error) {
			select {
			case <-time.After(2 * time.Second):
				return request(ctx)
			case <-ctx.Done():
				return nil, true, ctx.Err()
			}
		}
		var polls sync.WaitGroup
		for range 2 {
			polls.Go(func() {
				if got := get(t, a, slow); got != "token-1" && got != "token-2" {
					t.Errorf("got %s", got)
				}
			})
		}
		polls.Wait()
		if got := get(t, a, slow); got != "token-2" {
			t.Errorf("afterwards: %s", got)
		}
	})
}

func TestRetractedToken(t *testing.T) {
	a := newAccount()
	var retracted atomic.Bool
	token, err := NewToken(Response{AccessToken: "doubtful", TokenType: "Bearer", Retracted: retracted.Load})
	if err != nil {
		t.Fatal(err)
	}
	get(t, a, func(context.Context) (*Token, bool, error) { return token, false, nil })
	if got := get(t, a, issue(t, 0)); got != "doubtful" {
		t.Errorf("got %s", got)
	}
	retracted.Store(true)
	if got := get(t, a, issue(t, 0)); got != "token-1" {
		t.Errorf("got %s", got)
	}
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a *Account
		var round Round
		request := issue(t, 0)
		next := func(refused *Token) *Token {
			token, err := a.Token(t.Context(), round, time.Second, refused, request)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		begin := func(after time.Duration) {
			time.Sleep(after)
			round.Began = time.Now()
		}
		for _, role := range []bool{false, true} {
			a = newAccount()
			begin(1)
			first := next(nil)
			begin(1)
			if !a.Refused(first, round, role) {
				t.Errorf("role %t: the token is not replaced", role)
			}
			if next(nil) != first {
				t.Error("other polls do not go on using it")
			}
			second := next(first)
			if second == first || next(first) != second || next(nil) != second || !a.Refused(first, round, role) {
				t.Error("not replaced once for all")
			}
			if a.Refused(second, round, role) {
				t.Error("the replacement is replaced in the same round")
			}
			begin(trust - 2)
			if a.Refused(second, round, role) == role {
				t.Errorf("role %t: the replacement in a later round", role)
			}
			round.Began = time.Time{} // as long ago as can be
			a.Accepted(second)
			if a.Refused(second, round, role) == role {
				t.Errorf("role %t: after it was accepted", role)
			}
			begin(2)
			if !a.Refused(second, round, role) {
				t.Errorf("role %t: not replaced after ten minutes", role)
			}
			begin(time.Hour)
			third := next(nil)
			if !a.Refused(third, round, role) {
				t.Error("the successor of one that ended is not replaced")
			}
			a.Accepted(third)
			if a.Refused(third, round, role) == role {
				t.Errorf("role %t: the successor after it was accepted", role)
			}
		}
		if time.Since(round.Began) != 0 {
			t.Error("a request waits although there is none in progress")
		}
	})
}

// If a refused token cannot be replaced, other polls go on using it.
func TestRefusedAndNotReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, down := newAccount(), errors.New("down")
		round := time.Now()
		fails := func(context.Context) (*Token, bool, error) { return nil, false, down }
		first, err := a.Token(t.Context(), Round{Began: round}, time.Second, nil, issue(t, 0))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Token(t.Context(), Round{Began: round}, time.Second, first, fails); !errors.Is(err, down) {
			t.Errorf("got %v", err)
		}
		if got := get(t, a, fails); got != "token-1" {
			t.Errorf("got %s", got)
		}
	})
}

// Accounts are told apart by origin, ID and secret, and forgotten if they are not used.
func TestAccounts(t *testing.T) {
	now := time.Now()
	s := NewAccounts(func() time.Time { return now })
	first := s.Of(origin, testKey("secret"))
	if s.Of(origin, testKey("secret")) != first || s.Of(origin, testKey("new")) == first || s.Of("https://other.example.net", testKey("secret")) == first {
		t.Error("wrong account")
	}
	for range 3 { // in use
		now = now.Add(9 * time.Minute)
		if s.Of(origin, testKey("secret")) != first {
			t.Error("an account in use is forgotten")
		}
	}
	now = now.Add(10*time.Minute + 1)
	s.Of(origin, testKey("new"))
	now = now.Add(1)
	if s.Of(origin, testKey("secret")) == first || len(s.accounts) != 2 {
		t.Errorf("an idle account is kept: %d", len(s.accounts))
	}
}

func TestEchoes(t *testing.T) {
	a := NewAccounts(time.Now).Of(origin, config.KeyPair{Public: config.NewSecret("my+id"), Private: config.NewSecret("my/secret")})
	token, err := NewToken(Response{AccessToken: "abc.DEF", TokenType: "bearer", Retracted: func() bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"x MY+ID x": true, "my/SECRET": true, "my%2Fsecret": true, "my%2bid": true, "BXKLMKJPZDPTESUYRNNLY3JLDA==": true, "": false, "my": false, "Bearer ABC.def": true,
	} {
		if got := a.Echoes(text, token); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
	if a.Echoes("abc.DEF", nil) {
		t.Error("without a token")
	}
	get(t, a, func(context.Context) (*Token, bool, error) { return token, false, nil })
	if !a.Echoes("abc.DEF", nil) {
		t.Error("the token in use")
	}
}

// FuzzToken checks that no token can break out of its header.
func TestNewToken(t *testing.T) {
	for value, want := range map[string]error{
		"azAZ09-._~+/==": nil, "=": ErrToken, "a=b": ErrToken, "a b": ErrToken, "a:b": ErrToken, "a@b": ErrToken, "a[b": ErrToken, "a`b": ErrToken, "a{b": ErrToken, "ä": ErrToken,
	} {
		if _, err := NewToken(Response{AccessToken: value, TokenType: "bearer"}); !errors.Is(err, want) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "a", "a.b-c_d~e+f/g==", "a b", "a\r\nb: c", "ä", "=", "a=b", "\x00"} {
		f.Add(s, "Bearer")
	}
	f.Fuzz(func(t *testing.T, value, kind string) {
		token, err := NewToken(Response{AccessToken: value, TokenType: kind})
		if err != nil {
			return
		}
		text := token.Authorization()
		if token.value() != value || len(text) > len("Bearer ")+maxToken {
			t.Fatalf("got %q", text)
		}
		for _, c := range []byte(value) {
			if c <= ' ' || c >= 0x7f || c == '"' || c == ',' {
				t.Fatalf("a token with %q", c)
			}
		}
	})
}
