package opsmanager

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"opsmanager_exporter/collector/opsmanager/bearer"
	"opsmanager_exporter/config"
)

// bearerAuthentication authenticates a poll with the token of a service account.
type bearerAuthentication struct {
	account  *bearer.Account
	key      config.KeyPair
	endpoint string        // URL of the endpoint for tokens
	round    bearer.Round  // of the poll
	hold     time.Duration // how long the token request of another poll may delay this one
	token    *bearer.Token // of the next request, then of the last; nil if there is none yet
	tried    bool          // with another token
}

func (b *bearerAuthentication) prepare(ctx context.Context, p *poll) error {
	token, err := b.account.Token(ctx, b.round, b.hold, b.token, func(ctx context.Context) (*bearer.Token, bool, error) {
		return b.request(ctx, p)
	})
	b.token = token
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Reason: ReasonTimeout, Token: true, Err: errTimeout}
}

// request requests a token as part of the poll p.
func (b *bearerAuthentication) request(ctx context.Context, p *poll) (token *bearer.Token, own bool, err error) {
	token, failure := p.requestToken(ctx, b.endpoint, b.key)
	if failure != nil {
		return nil, failure.Reason == ReasonTimeout, failure
	}
	tell(ctx, "  an access token")
	return token, false, nil
}

func (b *bearerAuthentication) next() string { return "with an access token" }

func (b *bearerAuthentication) authorize(*connection) (credentials, error) { return b.token, nil }

func (b *bearerAuthentication) answered(a *answer) error {
	if a.code < http.StatusInternalServerError { // others may be from a load balancer
		b.account.Accepted(b.token)
	}
	return nil
}

func (b *bearerAuthentication) refused(a *answer) refusal {
	r := refusal{what: "the access token was rejected"}
	if b.tried || !b.account.Refused(b.token, b.round, a.lacksRole()) {
		r.reason, r.err = ReasonUnauthorized, errToken
	}
	b.tried = true
	return r
}

// lacksRole reports whether a 401 to a token is due to a role. RFC 6750, section 3.1:
// a token that is invalid is called that, whatever the body says.
func (a *answer) lacksRole() bool {
	return isRole(a.apiError().ErrorCode) && !strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token"`)
}

func (b *bearerAuthentication) echoes(text string) bool { return b.account.Echoes(text, b.token) }

func (b *bearerAuthentication) end() {}
