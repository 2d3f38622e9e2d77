package digest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	icholy "github.com/icholy/digest"

	"opsmanager_exporter/config"
)

// ErrMismatch is the error of a response that belongs to another request.
var ErrMismatch = errors.New("the Authentication-Info of the response belongs to another request")

// minCookie is the minimum length of a cookie value that counts as a secret: the name
// of a back end, such as b2, may be part of any word.
const minCookie = 4

// Credentials are the digest credentials of one request. nil means none. They never
// print.
type Credentials struct {
	nonce         *nonce
	uri           string
	count         int
	authorization config.Secret
	cookie        config.Secret
}

// newCredentials returns the credentials of the count-th request with a nonce.
func newCredentials(n *nonce, count int, method string, target *url.URL, cookies *cookies) (*Credentials, error) {
	uri := target.RequestURI() // as in the request line, so nothing in it needs a backslash
	answer, err := icholy.Digest(n.challenge, icholy.Options{
		Method: method, URI: uri, Count: count, Username: n.user.Reveal(), A1: n.ha1.Reveal(),
	})
	if err != nil {
		return nil, fmt.Errorf("answer digest challenge: %w", err)
	}
	// Credentials.String of icholy/digest does the same, but takes 4 % of a poll.
	authorization := n.prefix.Reveal() + `, uri="` + uri + `", cnonce="` + answer.Cnonce + `", nc=` + fmt.Sprintf("%08x", count) +
		`, response="` + answer.Response + `"`
	return &Credentials{
		nonce: n, uri: uri, count: count,
		authorization: config.NewSecret(authorization), cookie: config.NewSecret(cookies.header(target)),
	}, nil
}

// Authorization returns the Authorization header, or "" for nil.
func (c *Credentials) Authorization() string {
	if c == nil {
		return ""
	}
	return c.authorization.Reveal()
}

// Cookie returns the Cookie header, or "" for none.
func (c *Credentials) Cookie() string {
	if c == nil {
		return ""
	}
	return c.cookie.Reveal()
}

// Check returns [ErrMismatch] if the Authentication-Info header of a response belongs
// to a request with other credentials (RFC 7616, section 3.5). Most servers send none.
func (c *Credentials) Check(header http.Header) error {
	if c == nil {
		return nil
	}
	for _, line := range header["Authentication-Info"] {
		info := splitChallenges("Digest " + line)[0] // the syntax is that of a challenge
		if info.malformed || !c.fits(info.params) {
			return ErrMismatch
		}
	}
	return nil
}

func (c *Credentials) fits(info map[string]string) bool {
	cnonce := c.params()["cnonce"]
	if got, ok := info["cnonce"]; ok && got != cnonce {
		return false
	}
	if got, ok := info["nc"]; ok {
		if count, err := strconv.ParseInt(got, 16, 64); err != nil || count != int64(c.count) {
			return false
		}
	}
	got, ok := info["rspauth"]
	if !ok {
		return true
	}
	// rspauth is computed like response, but without a method.
	want, err := icholy.Digest(c.nonce.challenge, icholy.Options{
		URI: c.uri, Count: c.count, Cnonce: cnonce, A1: c.nonce.ha1.Reveal(),
	})
	return err == nil && strings.EqualFold(got, want.Response)
}

// params returns the parameters of the Authorization header, whose syntax is that of a
// challenge.
func (c *Credentials) params() map[string]string {
	return splitChallenges(c.authorization.Reveal())[0].params
}

// secrets returns text that no message may contain.
func (c *Credentials) secrets() []string {
	params := c.params()
	secrets := []string{params["nonce"], params["cnonce"], params["response"]}
	for pair := range strings.SplitSeq(c.Cookie(), "; ") {
		if _, value, _ := strings.Cut(pair, "="); len(value) >= minCookie {
			secrets = append(secrets, strings.Trim(value, `"`))
		}
	}
	return secrets
}
