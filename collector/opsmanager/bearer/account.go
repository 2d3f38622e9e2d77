package bearer

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"opsmanager_exporter/config"
)

// trust is how long a token is not replaced because of a role.
const trust = 10 * time.Minute

// Account is the state of one service account at one origin.
type Account struct {
	now  func() time.Time
	key  config.KeyPair
	used time.Time // guarded by Accounts.mu

	mu       sync.Mutex
	token    *Token        // nil for none
	requests int           // for a token, in progress
	begun    time.Time     // when the last of these began
	changed  chan struct{} // closed and replaced when a request ends
	failure  error         // of the last request; nil if there is none to share
	failed   time.Time     // when a request failed last; zero since one succeeded
	via      any           // the Round.Via of that request
}

// Round is a round of polls.
type Round struct {
	Began time.Time
	// Via is the way to the server, a comparable value. Failures are not shared with
	// rounds that take another, such as another proxy.
	Via any
}

// Request requests a token. own reports whether its error concerns this poll alone:
// its time was over.
type Request func(ctx context.Context) (token *Token, own bool, err error)

// Token returns the token to use, but not refused, which may be nil. If there is none,
// one poll requests it and the others wait: once hold has passed since the request
// began, one of them repeats it, and all use whichever token arrives first. If a
// request fails, its error is also that of all polls whose round began before, unless
// it concerns its poll alone.
//
// A token that ends soon is renewed by one poll. The others go on using it, and so
// does that poll if the request fails or takes longer than hold. In the same way, polls
// that were not refused go on using a refused token until another one is there: the
// refusal may be that of one organization.
//
// Token returns the error of ctx if that is done first.
func (a *Account) Token(ctx context.Context, round Round, hold time.Duration, refused *Token, request Request) (*Token, error) {
	for ctx.Err() == nil {
		a.mu.Lock()
		now := a.now()
		token := a.token
		if token == refused || !token.usable(now) {
			token = nil
		}
		wait := hold - now.Sub(a.begun).Abs() // the clock may have been set back
		switch {
		case token != nil && (!token.ending(now) || a.failedSince(round) || a.requests > 0):
			a.mu.Unlock()
			return token, nil
		case a.failure != nil && a.failedSince(round):
			err := a.failure
			a.mu.Unlock()
			return nil, err
		case a.requests == 0 || wait <= 0:
			a.requests++
			a.begun = now
			a.mu.Unlock()
			got, err := a.lead(ctx, round, hold, now, token, refused, request)
			if err == nil || token == nil {
				return got, err
			}
			continue // the old token ended while it was renewed
		}
		changed := a.changed
		a.mu.Unlock()

		patience := time.NewTimer(wait)
		select {
		case <-changed:
			patience.Stop()
		case <-patience.C:
		case <-ctx.Done():
			patience.Stop()
		}
	}
	return nil, ctx.Err()
}

// failedSince reports whether a request failed since the beginning of a round.
func (a *Account) failedSince(round Round) bool {
	return !a.failed.IsZero() && a.via == round.Via && !a.failed.Before(round.Began)
}

// lead requests a token at begun. old is a token that is still usable, or nil.
func (a *Account) lead(ctx context.Context, round Round, hold time.Duration, begun time.Time, old, refused *Token, request Request) (*Token, error) {
	limited := ctx
	if old != nil {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, hold)
		defer cancel()
	}
	token, own, err := request(limited)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests--
	close(a.changed)
	a.changed = make(chan struct{})
	now := a.now()
	switch {
	case err == nil:
		token.requested, token.replacement = begun, refused != nil
		a.token, a.failure, a.failed, a.via = token, nil, time.Time{}, nil
		return token, nil
	case !own:
		a.failure, a.failed, a.via = err, now, round.Via
	case old.usable(now): // not an error of other polls, but a reason not to renew it either
		a.failure, a.failed, a.via = nil, now, round.Via
	}
	if a.token != refused && a.token.usable(now) { // the old one, or that of another request
		return a.token, nil
	}
	return nil, err
}

// Accepted records a response other than a 401 to a request with t.
func (a *Account) Accepted(t *Token) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t.accepted = true
}

// Refused handles a 401 to a request with t, and reports whether it may succeed with
// another token. role reports whether the response says that the account lacks a role.
//
// A token that has not been accepted is not replaced in the round in which it replaced
// a refused one, so an account that is refused with every token costs one in each
// round, not in each poll. One that was accepted, or replaced another, is seldom
// replaced because of a role.
func (a *Account) Refused(t *Token, round Round, role bool) (again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != t {
		return true
	}
	if role && (t.accepted || t.replacement) {
		return a.now().Sub(t.requested).Abs() >= trust // the clock may have been set back
	}
	return t.accepted || !t.replacement || t.requested.Before(round.Began)
}

// Echoes reports whether a text contains, in any letter case, the client ID, the
// secret, the token in use or the token t, which may be nil.
func (a *Account) Echoes(text string, t *Token) bool {
	id, secret := a.key.Public.Reveal(), a.key.Private.Reveal()
	escapedID, escapedSecret := url.QueryEscape(id), url.QueryEscape(secret)
	secrets := []string{id, secret, escapedID, escapedSecret, base64.StdEncoding.EncodeToString([]byte(escapedID + ":" + escapedSecret))}
	a.mu.Lock()
	current := a.token
	a.mu.Unlock()
	for _, token := range []*Token{t, current} {
		if token != nil {
			secrets = append(secrets, token.value())
		}
	}
	text = strings.ToLower(text)
	return slices.ContainsFunc(secrets, func(s string) bool {
		return s != "" && strings.Contains(text, strings.ToLower(s))
	})
}
