package simulator

import (
	"crypto/md5" //nolint:gosec // Ops Manager requires MD5.
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	algorithmMD5    = "MD5"
	algorithmSHA256 = "SHA-256"
)

// hashFunc is H of RFC 7616, section 3.3: the hash of its arguments joined by colons,
// in lower-case hexadecimal digits.
type hashFunc func(parts ...string) string

func hashOf(algorithm string) hashFunc {
	if algorithm == algorithmSHA256 {
		return func(parts ...string) string {
			sum := sha256.Sum256([]byte(strings.Join(parts, ":")))
			return hex.EncodeToString(sum[:])
		}
	}
	return func(parts ...string) string {
		sum := md5.Sum([]byte(strings.Join(parts, ":"))) //nolint:gosec // see the import
		return hex.EncodeToString(sum[:])
	}
}

// credentials is a digest response sent by a client. Missing fields are empty.
type credentials struct {
	username, nonce, uri, response, qop, nc, cnonce string
}

// response returns the correct value of c.response (RFC 7616, section 3.4.1). Like
// Jetty, it uses uri and nc as sent and does not compare uri with the request line.
func (h hashFunc) response(ha1, method string, c credentials) string {
	return h(ha1, c.nonce, c.nc, c.cnonce, c.qop, h(method, c.uri))
}

// authenticate checks the Authorization header of a request and, if it accepts the
// credentials, stores them and their owner in e.
func (e *exchange) authenticate(method, authorization string) verdict {
	if authorization == "" {
		return missing
	}
	if token, ok := bearer(authorization); ok && e.server.hasAccounts() {
		e.bearer = true
		return e.authenticateToken(token)
	}
	c, ok := parseAuthorization(authorization)
	if !ok || c.nonce == "" {
		return refused
	}
	if e.server.options.Nonce.AlwaysStale {
		return stale
	}
	if v := e.nonces.use(c.nonce, e.session, c.nc); v != accepted {
		return v
	}
	// Without qop this is a response of RFC 2069, which Jetty rejects.
	if c.qop != "auth" || c.cnonce == "" {
		return refused
	}
	ha1, known := e.server.key(c.username)
	if !known || !strings.EqualFold(c.response, e.server.hash.response(ha1, method, c)) {
		return refused
	}
	e.caller, e.credentials, e.ha1 = c.username, c, ha1
	return accepted
}

// parseAuthorization parses an Authorization header of the Digest scheme (RFC 9110,
// section 11.4). It accepts any order, spacing and case of names. ok is false if the
// header is malformed or has a duplicate parameter.
func parseAuthorization(header string) (c credentials, ok bool) {
	scheme, rest, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Digest") {
		return credentials{}, false
	}
	given := map[string]bool{}
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			return c, len(given) > 0
		}
		var name, value string
		if name, value, rest, ok = parseParameter(rest); !ok || given[name] {
			return credentials{}, false
		}
		given[name] = true
		c.set(name, value)
	}
}

// set stores the parameters that matter. Like Jetty, it ignores all others, even
// algorithm.
func (c *credentials) set(name, value string) {
	switch name {
	case "username":
		c.username = value
	case "nonce":
		c.nonce = value
	case "uri":
		c.uri = value
	case "response":
		c.response = value
	case "qop":
		c.qop = value
	case "nc":
		c.nc = value
	case "cnonce":
		c.cnonce = value
	}
}

// parseParameter parses one name=value at the start of s, where the value is a token or
// a quoted string. A comma must follow unless s ends. It returns the name in lower case.
func parseParameter(s string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(s, "=")
	name = strings.ToLower(strings.TrimRight(name, " \t"))
	if !ok || name == "" || strings.ContainsAny(name, " \t,\"") {
		return "", "", "", false
	}
	rest = strings.TrimLeft(rest, " \t")
	if strings.HasPrefix(rest, `"`) {
		value, rest, ok = unquote(rest[1:])
	} else if end := strings.IndexAny(rest, ", \t\""); end >= 0 {
		value, rest = rest[:end], rest[end:]
	} else {
		value, rest = rest, ""
	}
	rest = strings.TrimLeft(rest, " \t")
	return name, value, rest, ok && (rest == "" || rest[0] == ',')
}

// unquote parses a quoted string after its opening quote (RFC 9110, section 5.6.4).
func unquote(s string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
