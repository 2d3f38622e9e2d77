package opsmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"opsmanager_exporter/collector/opsmanager/bearer"
	"opsmanager_exporter/config"
)

// tokenPath is the path of the endpoint for tokens, whatever the path prefix of the
// API (Cloud Manager documentation, "Generate Service Account Token").
const tokenPath = "/api/oauth/token" //nolint:gosec // no secret

var errTokenResponse = errors.New("the body is not a token response in JSON as of RFC 6749")

// requestToken requests a token for a service account as part of the poll. All of its
// errors come from the response itself: those of package oauth2 quote it.
func (p *poll) requestToken(ctx context.Context, endpoint string, account config.KeyPair) (*bearer.Token, *Error) {
	client := clientcredentials.Config{
		ClientID: account.Public.Reveal(), ClientSecret: account.Private.Reveal(), TokenURL: endpoint,
		AuthStyle: oauth2.AuthStyleInHeader, // guessing would repeat the secret in the body
	}
	over := &tokenExchange{poll: p}
	token, err := client.Token(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: over}))
	if failure := over.failure; failure != nil {
		failure.Token = true
		return nil, failure
	}
	bad := &Error{Reason: ReasonBadResponse, Token: true, StatusCode: http.StatusOK, Err: errTokenResponse}
	if err != nil {
		return nil, bad
	}
	response := bearer.Response{
		AccessToken: token.AccessToken, TokenType: token.TokenType, Retracted: over.conn.tainted.Load,
		ExpiresIn: time.Until(token.Expiry).Round(time.Second), // far in the past if there is no expires_in
	}
	usable, err := bearer.NewToken(response)
	if err != nil {
		bad.Err = err
		return nil, bad
	}
	return usable, nil
}

// tokenExchange is an [http.RoundTripper] that sends one request for a token as part of
// a poll. It returns no response but a 200 from the server itself.
type tokenExchange struct {
	poll    *poll
	failure *Error      // nil if there was such a response
	conn    *connection // it was read from
}

// RoundTrip implements [http.RoundTripper].
func (x *tokenExchange) RoundTrip(req *http.Request) (*http.Response, error) {
	a, err := x.answer(req)
	if err != nil {
		x.failure = &Error{Reason: ReasonOf(err), Err: err}
		if e, ok := errors.AsType[*Error](err); ok {
			x.failure = e
		}
		return nil, x.failure
	}
	x.conn = a.conn
	return &http.Response{
		StatusCode: a.code, Request: req, Body: io.NopCloser(bytes.NewReader(a.body)),
		// Without it package oauth2 would parse text as a form.
		Header: http.Header{"Content-Type": {"application/json"}},
	}, nil
}

func (x *tokenExchange) answer(req *http.Request) (*answer, error) {
	form, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r := request{target: req.URL, limit: maxBody, form: string(form)}
	a, err := x.poll.send(req.Context(), r, clientSecret{config.NewSecret(req.Header.Get("Authorization"))})
	if err != nil {
		return nil, x.poll.withoutEcho(err)
	}
	tellAnswer(req.Context(), a)
	if a.code != http.StatusOK {
		return nil, x.poll.tokenRefusal(a)
	}
	if a.body, err = a.trusted(); err != nil {
		return nil, &Error{Reason: ReasonBadResponse, StatusCode: a.code, Err: err}
	}
	return a, nil
}

// tokenRefusal returns the error of a response to a request for a token with a code
// other than 200.
func (p *poll) tokenRefusal(a *answer) *Error {
	a.refusal.reason = ReasonUnauthorized
	e := p.refusal(a)
	code := a.oauthError()
	if e.ErrorCode == "" {
		e.ErrorCode = code
	}
	if a.code == http.StatusBadRequest && (code == "invalid_client" || code == "unauthorized_client" || code == "invalid_grant") {
		e.Reason = ReasonUnauthorized
	}
	return e
}

// oauthError returns the error in a response to a request for a token if it is one of
// RFC 6749, section 5.2, or "": the body comes from upstream.
func (a *answer) oauthError() string {
	var e struct {
		Error string `json:"error"`
	}
	body, err := a.decoded()
	if err != nil || json.Unmarshal(body, &e) != nil {
		return ""
	}
	switch e.Error {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return e.Error
	}
	return ""
}

// clientSecret authorizes a request for a token. It is the Authorization header with
// client ID and secret.
type clientSecret struct{ authorization config.Secret }

func (c clientSecret) next() string { return "for an access token" }

func (c clientSecret) authorize(*connection) (credentials, error) { return c, nil }

// Authorization implements [credentials].
func (c clientSecret) Authorization() string { return c.authorization.Reveal() }

// Cookie implements [credentials].
func (c clientSecret) Cookie() string { return "" }
