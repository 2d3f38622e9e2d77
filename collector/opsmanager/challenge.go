package opsmanager

import (
	"net/http"
	"slices"
	"strings"

	"github.com/icholy/digest"
)

// ChallengeError says why a 401 holds no digest challenge that can be answered.
type ChallengeError struct{ text string }

// Error implements error.
func (e *ChallengeError) Error() string { return e.text }

// findChallenge returns the strongest digest challenge in the WWW-Authenticate
// lines of a 401 that this package answers, or an error that says why there is
// none. Not answered are a challenge without qop (RFC 2069, replayable), with
// qop auth-int alone, with an MD5-sess like algorithm, with userhash, and one
// without nonce.
func findChallenge(header http.Header) (*digest.Challenge, error) {
	var best *digest.Challenge
	why := &ChallengeError{"the answer carries no digest challenge"}
	for _, line := range header.Values("WWW-Authenticate") {
		for _, c := range splitChallenges(line) {
			if !strings.EqualFold(c.scheme, "Digest") {
				continue
			}
			chal, err := c.digest()
			if err != nil {
				why = err
			} else if best == nil || strength(chal.Algorithm) > strength(best.Algorithm) {
				best = chal
			}
		}
	}
	if best == nil {
		return nil, why
	}
	return best, nil
}

// digest checks the challenge and turns it into one for icholy/digest. Its own
// parser is not used: it fails on directives that are merely unknown.
func (c *challenge) digest() (*digest.Challenge, *ChallengeError) {
	if c.malformed {
		return nil, &ChallengeError{"the digest challenge is malformed"}
	}
	if _, ok := c.params["qop"]; !ok {
		if op, ok := c.params["op"]; ok { // the reference page's spelling
			c.params["qop"] = op
		}
	}
	var qops []string
	for qop := range strings.SplitSeq(c.params["qop"], ",") {
		qops = append(qops, strings.ToLower(strings.TrimSpace(qop)))
	}
	switch {
	case c.params["nonce"] == "":
		return nil, &ChallengeError{"the digest challenge has no nonce"}
	case c.params["qop"] == "":
		return nil, &ChallengeError{"the digest challenge has no qop"}
	case !slices.Contains(qops, "auth"):
		return nil, &ChallengeError{"the digest challenge does not offer qop auth"}
	case strings.EqualFold(c.params["userhash"], "true"):
		return nil, &ChallengeError{"the digest challenge wants a hashed user name"}
	case strength(c.params["algorithm"]) == 0:
		return nil, &ChallengeError{"the digest challenge wants an algorithm other than MD5, SHA-256 and SHA-512-256"}
	}
	return &digest.Challenge{
		Realm:     c.params["realm"],
		Nonce:     c.params["nonce"],
		Opaque:    c.params["opaque"],
		Algorithm: c.params["algorithm"],
		Stale:     strings.EqualFold(c.params["stale"], "true"),
		QOP:       []string{"auth"},
	}, nil
}

// strength orders the algorithms that this package computes, 0 for any other.
// No algorithm means MD5 (RFC 7616, section 3.3).
func strength(algorithm string) int {
	switch strings.ToUpper(algorithm) {
	case "", "MD5":
		return 1
	case "SHA-256":
		return 2
	case "SHA-512-256":
		return 3
	}
	return 0
}

// challenge is one challenge of a WWW-Authenticate line (RFC 9110, section
// 11.6.1): a scheme and its parameters, names in lower case.
type challenge struct {
	scheme    string
	params    map[string]string
	malformed bool // a parameter stands twice, or something is no parameter
}

// splitChallenges splits one header line, which may hold several challenges
// with commas between them and inside them. It never fails: what cannot be read
// marks the challenge that it stands in as malformed.
func splitChallenges(line string) []*challenge {
	var all []*challenge
	var current *challenge
	for rest := line; ; {
		rest = strings.TrimLeft(rest, ", \t")
		if rest == "" {
			return all
		}
		word := token(rest)
		rest = rest[len(word):]
		after := strings.TrimLeft(rest, " \t")
		switch {
		case word == "":
			// Skip to the next comma; at least one byte, so that this ends.
			if current != nil {
				current.malformed = true
			}
			if i := strings.IndexByte(rest[1:], ','); i >= 0 {
				rest = rest[1+i:]
			} else {
				rest = ""
			}
		case strings.HasPrefix(after, "=") && current != nil:
			var value string
			var ok bool
			value, rest, ok = parameterValue(strings.TrimLeft(after[1:], " \t"))
			name := strings.ToLower(word)
			if _, twice := current.params[name]; twice || !ok {
				current.malformed = true
			}
			current.params[name] = value
		default:
			current = &challenge{scheme: word, params: map[string]string{}}
			all = append(all, current)
		}
	}
}

// parameterValue reads a quoted string or everything up to the next comma or
// white space: real servers send more in bare values than a token may hold.
func parameterValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return b.String(), "", false
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), "", false
}

// token returns the token (RFC 9110, section 5.6.2) that s begins with.
func token(s string) string {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return s[:i]
		}
	}
	return s
}
