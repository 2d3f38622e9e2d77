package simulator

import (
	"net/http"
	"strconv"
)

const (
	realm         = "MMS Public API"
	sessionCookie = "JSESSIONID"
)

// The bodies of a 401 with a digest challenge, always in the format of Jackson's pretty
// printer. That of Ops Manager has been observed to have 106 bytes; neither has an
// errorCode.
const (
	opsManagerBody = `{
  "reason" : "Unauthorized",
  "error" : 401,
  "detail" : "You are not authorized for this resource."
}`
	cloudManagerBody = `{
  "error" : 401,
  "reason" : "Unauthorized",
  "detail" : "You are not authorized for this resource."
}`
)

// refuse responds with a challenge, of the scheme that the client has tried. As in the
// API reference, it has none of the headers of an authenticated response.
func (e *exchange) refuse(v verdict) {
	if v == refused {
		e.server.shared.counts.count(e.counted, func(c *Counts) { c.Refused++ })
	}
	if e.bearer {
		// RFC 6750, section 3. What Cloud Manager sends is not documented.
		e.Header()[authenticateAs] = []string{`Bearer realm="` + realm + `", error="invalid_token"`}
	} else {
		e.challenge(v == stale)
	}
	body := opsManagerBody
	switch c := e.server.options.Challenge; {
	case c.EmptyBody:
		write(e, http.StatusUnauthorized, nil)
		return
	case c.CloudManagerBody:
		body = cloudManagerBody
	}
	e.Header().Set("Content-Type", "application/json;charset=ISO-8859-1")
	write(e, http.StatusUnauthorized, []byte(body))
}

// challenge adds the WWW-Authenticate lines with a new nonce, and a cookie if the nonce
// belongs to a session that the client does not have.
func (e *exchange) challenge(stale bool) {
	e.stale = stale
	session := ""
	if e.server.options.Nonce.Session {
		fresh := false
		if session, fresh = e.nonces.resume(e.session); fresh {
			e.Header().Add("Set-Cookie", sessionCookie+"="+session+"; Path=/; HttpOnly")
		}
	}
	e.Header()[authenticateAs] = e.server.options.Challenge.lines(e.nonces.issue(session), stale)
}

// lines returns the challenge with its fields in the order of Ops Manager and Jetty's
// DigestAuthenticator.
func (c Challenge) lines(nonce string, stale bool) []string {
	if c.Lines != nil {
		return c.Lines(nonce, stale)
	}
	qop := "qop"
	if c.OpMisprint {
		qop = "op"
	}
	digest := `Digest realm="` + realm + `", domain="", nonce="` + nonce + `", algorithm=` + c.Algorithm +
		`, ` + qop + `="auth", stale=` + strconv.FormatBool(stale)
	if c.Charset {
		digest += `, charset=UTF-8`
	}
	const basic = `Basic realm="` + realm + `"`
	switch {
	case c.OneLine:
		return []string{basic + ", " + digest}
	case c.WithBasic:
		return []string{basic, digest}
	default:
		return []string{digest}
	}
}
