package bearer

import (
	"errors"
	"strings"
	"time"

	"opsmanager_exporter/config"
)

const (
	// maxLifetime is how long a token is used at most, and how long if the server does
	// not say when it ends.
	maxLifetime = time.Hour
	// maxMargin is how long before its end a token is renewed at most.
	maxMargin = time.Minute
	// maxToken is the maximum length of a token in bytes: each request repeats it.
	maxToken = 16 << 10
)

// Errors of responses with a token that cannot be used.
var (
	ErrType  = errors.New("token_type is not Bearer")
	ErrToken = errors.New("access_token is empty, longer than 16 KiB, or has characters that no token may have")
)

// Token is an access token, the credentials of any number of requests. It never
// prints.
type Token struct {
	authorization config.Secret
	lifetime      time.Duration // since requested
	retracted     func() bool

	// Guarded by the mutex of its account.
	requested   time.Time // when its account began to request it
	accepted    bool      // by a response other than a 401
	replacement bool      // of a token that was refused
}

// Response is the response to a request for a token.
type Response struct {
	AccessToken, TokenType string
	ExpiresIn              time.Duration // 0 or less if the server did not say
	Retracted              func() bool   // reports whether the response can no longer be trusted
}

// NewToken returns the token of a response, or an error that does not quote it.
func NewToken(r Response) (*Token, error) {
	if !strings.EqualFold(r.TokenType, "Bearer") {
		return nil, ErrType
	}
	// RFC 6750, section 2.1: b64token
	core := strings.TrimRight(r.AccessToken, "=")
	if core == "" || len(r.AccessToken) > maxToken || strings.ContainsFunc(core, isNotOfToken) {
		return nil, ErrToken
	}
	lifetime := r.ExpiresIn
	if lifetime <= 0 || lifetime > maxLifetime {
		lifetime = maxLifetime
	}
	return &Token{
		authorization: config.NewSecret("Bearer " + r.AccessToken),
		lifetime:      lifetime,
		retracted:     r.Retracted,
	}, nil
}

func isNotOfToken(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-._~+/", r):
		return false
	}
	return true
}

// Authorization returns the Authorization header.
func (t *Token) Authorization() string { return t.authorization.Reveal() }

// Cookie returns "": a token needs no cookies.
func (t *Token) Cookie() string { return "" }

// value returns the access token.
func (t *Token) value() string { return strings.TrimPrefix(t.Authorization(), "Bearer ") }

// usable reports whether t may be used. t may be nil.
func (t *Token) usable(now time.Time) bool {
	if t == nil || t.retracted() {
		return false
	}
	age := now.Sub(t.requested)
	return age >= 0 && age < t.lifetime
}

// ending reports whether it is time to renew t, which is still usable.
func (t *Token) ending(now time.Time) bool {
	return now.Sub(t.requested) >= t.lifetime-min(t.lifetime/10, maxMargin)
}
