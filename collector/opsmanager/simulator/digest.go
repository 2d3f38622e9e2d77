package simulator

import (
	"crypto/md5" //nolint:gosec // Ops Manager asks for MD5.
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	algorithmMD5    = "MD5"
	algorithmSHA256 = "SHA-256"
)

// hashFunc is H of RFC 7616, section 3.3, over its arguments joined by colons,
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

// credentials is a digest response as sent by a client. Fields that were not
// sent are empty.
type credentials struct {
	username, nonce, uri, response, qop, nc, cnonce string
}

// response computes what c.response should be (RFC 7616, section 3.4.1). Like
// Jetty it takes uri and nc as they were sent and does not compare uri with the
// request line.
func (h hashFunc) response(ha1, method string, c credentials) string {
	return h(ha1, c.nonce, c.nc, c.cnonce, c.qop, h(method, c.uri))
}

// authenticate judges the Authorization of a request. Those that it accepts are
// the credentials of the exchange.
func (e *exchange) authenticate(method, authorization string) verdict {
	if authorization == "" {
		return missing
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
	// Without qop the response would be that of RFC 2069, which Jetty refuses.
	if c.qop != "auth" || c.cnonce == "" {
		return refused
	}
	ha1, known := e.server.key(c.username)
	if !known || !strings.EqualFold(c.response, e.server.hash.response(ha1, method, c)) {
		return refused
	}
	e.credentials, e.ha1 = c, ha1
	return accepted
}

// parseAuthorization reads an Authorization header of the Digest scheme
// (RFC 9110, section 11.4). It accepts any order, case of names and spacing,
// and reports false for anything malformed, a parameter given twice included.
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

// set keeps the parameters that count. Jetty looks at no other, not even at
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

// parseParameter takes one name=value off s, where the value is a token or a
// quoted string, and the comma after it. The name comes back in lower case.
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

// unquote reads a quoted string whose opening quote was taken off (RFC 9110,
// section 5.6.4).
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
