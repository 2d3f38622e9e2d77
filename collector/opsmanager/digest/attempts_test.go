package digest

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/clock"
)

// step is a request of a poll: the nonce that it must use, "" for none, and the header of
// its 401; nil for a response other than 401.
type step struct {
	nonce  string
	answer http.Header
}

// run runs the steps of a poll, and returns why it ended.
func run(t *testing.T, p *poll, steps []step) error {
	t.Helper()
	for i, s := range steps {
		nonce, _, _ := p.ask()
		if nonce != s.nonce {
			t.Fatalf("request %d: nonce %q, want %q", i, nonce, s.nonce)
		}
		if s.answer == nil {
			p.Answered(p.target, http.Header{}, true)
			return nil
		}
		if r := p.Refused(p.target, s.answer, false); r.Err != nil {
			if i != len(steps)-1 {
				t.Fatalf("ended at request %d of %d: %v", i, len(steps), r.Err)
			}
			return r.Err
		}
	}
	return errors.New("goes on")
}

// prime sets the shared nonce of a session.
func prime(t *testing.T, s *Session, nonce string) {
	t.Helper()
	p := begin(t, s)
	if err := run(t, p, []step{{"", challenge401(nonce)}, {nonce, nil}}); err != nil {
		t.Fatal(err)
	}
	p.End()
}

func stale(nonce string) http.Header   { return challenge401(nonce, "stale=true") }
func refused(nonce string) http.Header { return challenge401(nonce, "stale=false") }

func TestAttempts(t *testing.T) {
	opaque := func(nonce string) http.Header { return challenge401(nonce, `opaque="x"`, "stale=true") }
	for name, tt := range map[string]struct {
		shared string // the shared nonce, "" for none
		steps  []step
		want   error
	}{
		"first contact":        {"", []step{{"", refused("a")}, {"a", nil}}, nil},
		"shared":               {"s", []step{{"s", nil}}, nil},
		"wrong key":            {"", []step{{"", refused("a")}, {"a", refused("b")}}, ErrRejected},
		"revoked key":          {"s", []step{{"s", refused("a")}, {"a", refused("b")}}, ErrRejected},
		"expired":              {"s", []step{{"s", stale("a")}, {"a", nil}}, nil},
		"expired, revoked key": {"s", []step{{"s", stale("a")}, {"a", refused("b")}}, ErrRejected},
		"replayed count":       {"s", []step{{"s", refused("a")}, {"a", nil}}, nil},
		// The nonce of a poll's own 401 is used first, then twice more because the
		// request may reach its issuer, and then the newest.
		"round robin": {"s", []step{{"s", stale("a")}, {"a", stale("b")}, {"a", nil}}, nil},
		"never its turn": {"s", []step{
			{"s", stale("a")},
			{"a", stale("b")},
			{"a", stale("c")},
			{"a", stale("d")},
			{"d", stale("e")},
			{"d", stale("f")},
			{"d", stale("g")},
			{"g", stale("h")},
			{"g", stale("i")},
			{"g", stale("j")},
		}, ErrNonces},
		"its turn, revoked key": {"s", []step{{"s", stale("a")}, {"a", stale("b")}, {"a", refused("c")}}, ErrRejected},
		// Another server responds, as its cookie shows.
		"moved": {"s", []step{{"s", setting(stale("a"), "SRV=a; path=/")}, {"a", setting(stale("b"), "SRV=b; path=/")}, {"b", nil}}, nil},
		"moved, not stale": {"s", []step{
			{"s", setting(refused("a"), "SRV=a; path=/")}, {"a", setting(refused("b"), "SRV=b; path=/")}, {"b", nil},
		}, nil},
		"moved, revoked key": {"s", []step{
			{"s", setting(refused("a"), "SRV=a; path=/")}, {"a", setting(refused("b"), "SRV=b; path=/")}, {"b", setting(refused("c"), "SRV=c; path=/")},
		}, ErrRejected},
		// Apache with one-time nonces.
		"opaque": {"s", []step{{"s", opaque("a")}, {"a", opaque("b")}, {"", opaque("c")}, {"c", nil}}, nil},
		"opaque, round robin": {"s", []step{
			{"s", opaque("a")}, {"a", opaque("b")}, {"", opaque("c")}, {"c", opaque("d")}, {"c", nil},
		}, nil},
		"no challenge any more":        {"s", []step{{"s", http.Header{}}}, &ChallengeError{"the response has no digest challenge"}},
		"no challenge at all":          {"", []step{{"", http.Header{}}}, &ChallengeError{"the response has no digest challenge"}},
		"none in the middle":           {"s", []step{{"s", opaque("a")}, {"a", opaque("b")}, {"", http.Header{}}}, &ChallengeError{"the response has no digest challenge"}},
		"one that cannot be answered":  {"s", []step{{"s", challenge401("")}}, &ChallengeError{"the digest challenge has no nonce"}},
		"stale in words of other case": {"s", []step{{"s", challenge401("a", `STALE="True"`)}, {"a", nil}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession()
			if tt.shared != "" {
				prime(t, s, tt.shared)
			}
			p := begin(t, s)
			err := run(t, p, tt.steps)
			if why, ok := errors.AsType[*ChallengeError](tt.want); ok {
				if err == nil || err.Error() != why.Error() {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			} else if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			p.End()
			last := tt.steps[len(tt.steps)-1]
			if tt.want == nil {
				// The next poll begins with the accepted nonce.
				if got, _, _ := begin(t, s).ask(); got != last.nonce {
					t.Errorf("the next poll begins with %q, want %q", got, last.nonce)
				}
			}
		})
	}
}

// A missing role does not refuse the nonce, which remains in use.
func TestRole(t *testing.T) {
	s := newSession()
	prime(t, s, "s")
	p := begin(t, s)
	p.ask()
	if r := p.Refused(p.target, refused("a"), true); !errors.Is(r.Err, ErrRejected) {
		t.Errorf("got %+v", r)
	}
	p.End()
	if nonce, count, _ := begin(t, s).ask(); nonce != "s" || count != 3 {
		t.Errorf("got %s, count %d", nonce, count)
	}
}

// An error that may be from a load balancer says nothing about the nonce, which does not
// become the shared one.
func TestErrorOfABalancer(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		t.Run(fmt.Sprint(trusted), func(t *testing.T) {
			s := newSession()
			prime(t, s, "s")
			p := begin(t, s)
			p.ask()
			p.Refused(p.target, stale("a"), false)
			p.ask()
			p.Answered(p.target, http.Header{}, trusted)
			want := map[bool]string{false: "s", true: "a"}[trusted]
			if nonce, _, _ := begin(t, s).ask(); nonce != want {
				t.Errorf("the next poll begins with %q, want %q", nonce, want)
			}
		})
	}
}

// The refusal of a nonce that other polls share does not prove that the key is wrong: they
// may have used it out of order.
func TestSharedChallengeThatIsRefused(t *testing.T) {
	s := newSession()
	leader := begin(t, s)
	leader.ask()
	leader.Refused(leader.target, refused("a"), false)
	begin(t, s).ask() // a follower is faster
	if err := run(t, leader, []step{{"a", refused("b")}, {"b", refused("c")}}); !errors.Is(err, ErrRejected) {
		t.Errorf("got %v", err)
	}
}

// If connections lead to different servers, each remembers the nonce that works on it. A
// single restart looks the same, but has no lasting effect.
func TestConnectionsThatLeadElsewhere(t *testing.T) {
	s := newSession()
	x, y := &Route{}, &Route{}
	poll := func(route *Route, steps ...step) {
		t.Helper()
		p := begin(t, s)
		p.route = route
		if err := run(t, p, steps); err != nil {
			t.Fatal(err)
		}
	}
	prime(t, s, "x1")
	poll(x, step{"x1", nil})
	poll(y, step{"x1", stale("y1")}, step{"y1", nil}) // once: a restart
	if s.origin.several.Load() {
		t.Fatal("one refusal is enough")
	}
	poll(x, step{"y1", stale("x2")}, step{"x2", nil}) // again: several servers
	poll(y, step{"x2", stale("y2")}, step{"y2", nil})
	for range 3 {
		poll(y, step{"y2", nil})
		poll(x, step{"x2", nil})
	}
	// A remembered nonce is refused: connections do not matter after all.
	poll(x, step{"x2", stale("z")}, step{"z", nil})
	poll(x, step{"y2", nil})
}

// A nonce remembered by a connection expires like any other.
func TestRememberedNonceEnds(t *testing.T) {
	now := clock.New()
	s := NewSessions(now.Now).Of("https://om.example.net", testKey())
	prime(t, s, "old")
	s.origin.several.Store(true)
	p := begin(t, s)
	route := p.route
	if err := run(t, p, []step{{"old", nil}}); err != nil {
		t.Fatal(err)
	}
	now.Advance(nonceLifetime)
	prime(t, s, "new")
	p = begin(t, s)
	p.route = route
	if nonce, _, _ := p.ask(); nonce != "new" {
		t.Errorf("uses %s", nonce)
	}
}

// Refusals of many concurrent polls after one restart count as one.
func TestRestart(t *testing.T) {
	s := newSession()
	prime(t, s, "s")
	var polls []*poll
	for range 16 {
		p := begin(t, s)
		p.ask()
		polls = append(polls, p)
	}
	for i, p := range polls {
		p.Refused(p.target, stale(fmt.Sprint("n", i)), false)
	}
	for _, p := range polls {
		p.ask()
		p.Answered(p.target, http.Header{}, true)
	}
	if s.origin.several.Load() {
		t.Error("taken for several servers")
	}
}

// Restarts that are far apart do not indicate several servers.
func TestRestartsFarApart(t *testing.T) {
	now := clock.New()
	s := NewSessions(now.Now).Of("https://om.example.net", testKey())
	for i := range 5 {
		prime(t, s, fmt.Sprint("s", i))
		if err := run(t, begin(t, s), []step{{fmt.Sprint("s", i), stale("a")}, {"a", nil}}); err != nil {
			t.Fatal(err)
		}
		now.Advance(time.Minute)
	}
	if s.origin.several.Load() {
		t.Error("taken for several servers")
	}
}

// If servers are known to refuse each other's nonces without stale=true, a poll continues
// up to the maximum number of attempts. After the key was rejected that way once, polls
// end sooner.
func TestServersThatKeepQuiet(t *testing.T) {
	now := clock.New()
	s := NewSessions(now.Now).Of("https://om.example.net", testKey())
	prime(t, s, "s")
	if err := run(t, begin(t, s), []step{{"s", refused("a")}, {"a", nil}}); err != nil {
		t.Fatal(err)
	}
	if err := run(t, begin(t, s), []step{{"a", refused("b")}, {"b", refused("c")}, {"b", refused("d")}, {"b", nil}}); err != nil {
		t.Fatal(err)
	}
	p := begin(t, s)
	var err error
	for requests := 1; err == nil; requests++ {
		p.ask()
		err = p.Refused(p.target, refused(fmt.Sprint("n", requests)), false).Err
		if err != nil && requests != maxAttempts {
			t.Errorf("ended after %d requests", requests)
		}
	}
	if !errors.Is(err, ErrRejected) {
		t.Errorf("got %v", err)
	}
	if err := run(t, begin(t, s), []step{{"b", refused("x")}, {"x", refused("y")}}); !errors.Is(err, ErrRejected) {
		t.Errorf("a key that was rejected: got %v", err)
	}
	if err := run(t, begin(t, s), []step{{"b", nil}}); err != nil {
		t.Fatal(err)
	}
	// If cookies lead to the issuer of a nonce, its refusal means that the key is wrong.
	if err := run(t, begin(t, s), []step{
		{"b", setting(refused("x"), "SRV=1; path=/")}, {"x", refused("y")},
	}); !errors.Is(err, ErrRejected) {
		t.Errorf("with a cookie: got %v", err)
	}
	if err := run(t, begin(t, s), []step{{"b", nil}}); err != nil {
		t.Fatal(err)
	}
	now.Advance(unsaidMemory)
	prime(t, s, "t")
	if err := run(t, begin(t, s), []step{{"t", refused("x")}, {"x", refused("y")}}); !errors.Is(err, ErrRejected) {
		t.Errorf("long after: got %v", err)
	}
}

// What counts is how the shared nonce was refused, whatever the later 401 responses say.
func TestHowTheSharedNonceIsRefused(t *testing.T) {
	for _, tt := range []struct {
		first, second func(string) http.Header
		quiet         bool
	}{{refused, stale, true}, {stale, stale, false}} {
		s := newSession()
		prime(t, s, "s")
		if err := run(t, begin(t, s), []step{{"s", tt.first("a")}, {"a", tt.second("b")}, {"a", nil}}); err != nil {
			t.Fatal(err)
		}
		if got := s.origin.keepsQuiet(s.now()); got != tt.quiet {
			t.Errorf("servers keep quiet: %t, want %t", got, tt.quiet)
		}
	}
}
