package simulator

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// tokenPath is that of the endpoint for tokens, at the origin whatever the path prefix.
const tokenPath = "/api/oauth/token" //nolint:gosec // a path, no secret

// asksForToken reports whether a request is for the endpoint for tokens, and the client ID
// that it claims, if any.
func (s *Server) asksForToken(r *http.Request) (clientID string, asks bool) {
	if r.URL.Path != tokenPath || !s.hasAccounts() {
		return "", false
	}
	clientID, _ = clientOf(r)
	return clientID, true
}

// clientOf returns the credentials of a client, which are form-encoded before they become
// those of Basic authentication (RFC 6749, section 2.3.1). They are empty if malformed.
func clientOf(r *http.Request) (id, secret string) {
	user, password, _ := r.BasicAuth()
	id, badID := url.QueryUnescape(user)
	secret, badSecret := url.QueryUnescape(password)
	if badID != nil || badSecret != nil {
		return "", ""
	}
	return id, secret
}

// answerTokenRequest responds to a request to the endpoint for tokens.
func (s *Server) answerTokenRequest(e *exchange, r *http.Request) {
	id, secret := clientOf(r)
	account, known := s.account(id)
	e.account = account
	if account.BeforeAuth != nil {
		account.BeforeAuth(e, r)
		return
	}
	if r.Method != http.MethodPost {
		MethodNotAllowed()(e, r)
		return
	}
	if !known || subtle.ConstantTimeCompare([]byte(secret), []byte(account.Secret)) == 0 {
		_, _, tried := r.BasicAuth()
		s.shared.counts.count(e.counted, func(c *Counts) { c.Refused += one(tried) })
		e.Header()[authenticateAs] = []string{`Basic realm="` + realm + `"`}
		oauthError(http.StatusUnauthorized, "invalid_client")(e, r)
		return
	}
	r.Body = http.MaxBytesReader(e, r.Body, 64<<10)
	malformed := r.ParseForm()
	switch grant := r.PostForm["grant_type"]; {
	case malformed != nil || len(grant) != 1:
		oauthError(http.StatusBadRequest, "invalid_request")(e, r)
	case grant[0] != "client_credentials":
		oauthError(http.StatusBadRequest, "unsupported_grant_type")(e, r)
	default:
		sleep(r.Context(), account.Delay)
		if account.Answer == nil {
			account.Answer = Token()
		}
		account.Answer(e, r)
	}
}

// oauthError is an error of RFC 6749, section 5.2.
func oauthError(status int, code string) Answer {
	return func(w http.ResponseWriter, _ *http.Request) { writeToken(w, status, `{"error":`+quote(code)+`}`) }
}

// Token issues a token and responds with it, the right answer of the endpoint for tokens.
func Token() Answer { return TokenWith("", nil) }

// TokenWith is Token with a lie: the member of the response, such as token_type, has the
// value, which must be one that JSON has, or is missing if the value is nil. Members that a
// token response does not have are added. The token is valid all the same.
func TokenWith(member string, value any) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		e := exchangeOf(r)
		if e == nil || e.counted == "" {
			return
		}
		members := map[string]any{
			"access_token": e.server.issueToken(e.counted, e.account.Lifetime),
			"token_type":   "Bearer",
			"expires_in":   int64(e.account.Lifetime / time.Second),
		}
		e.server.shared.counts.count(e.counted, func(c *Counts) { c.Tokens++ })
		if value == nil {
			delete(members, member)
		} else {
			members[member] = value
		}
		body, err := json.Marshal(members)
		if err != nil {
			body = []byte(err.Error()) // the value is none of JSON; the test sees why
		}
		writeToken(w, http.StatusOK, string(body))
	}
}

// writeToken writes a response that must not be stored (RFC 6749, section 5.1).
func writeToken(w http.ResponseWriter, status int, body string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Content-Type", jsonType)
	write(w, status, []byte(body))
}
