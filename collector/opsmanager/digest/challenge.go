package digest

import (
	"net/http"
	"slices"
	"strings"

	icholy "github.com/icholy/digest"
)

// maxChallenge is the maximum total length of realm, nonce and opaque in bytes. They
// are kept with each nonce and sent with each request.
const maxChallenge = 16 << 10

// ChallengeError explains why a 401 has no digest challenge that can be answered.
type ChallengeError struct{ text string }

// Error implements error.
func (e *ChallengeError) Error() string { return e.text }

// findChallenge returns the strongest digest challenge in the WWW-Authenticate lines
// of a 401 that this package can answer, or an error that explains why there is none.
// It rejects challenges without a nonce, without qop (RFC 2069, replayable), with only
// qop auth-int, with an algorithm such as MD5-sess, and with userhash.
func findChallenge(header http.Header) (*icholy.Challenge, error) {
	var best *icholy.Challenge
	why := &ChallengeError{"the response has no digest challenge"}
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

// digest validates the challenge and converts it for icholy/digest, whose own parser
// fails on unknown directives.
func (c *challenge) digest() (*icholy.Challenge, *ChallengeError) {
	if c.malformed {
		return nil, &ChallengeError{"the digest challenge is malformed"}
	}
	if _, ok := c.params["qop"]; !ok {
		if op, ok := c.params["op"]; ok { // as misprinted in the API reference
			c.params["qop"] = op
		}
	}
	var qops []string
	for qop := range strings.SplitSeq(c.params["qop"], ",") {
		qops = append(qops, strings.ToLower(strings.TrimSpace(qop)))
	}
	chal := &icholy.Challenge{
		Realm:     c.params["realm"],
		Nonce:     c.params["nonce"],
		Opaque:    c.params["opaque"],
		Algorithm: c.params["algorithm"],
		Stale:     strings.EqualFold(c.params["stale"], "true"),
		QOP:       []string{"auth"},
	}
	switch {
	case chal.Nonce == "":
		return nil, &ChallengeError{"the digest challenge has no nonce"}
	case c.params["qop"] == "":
		return nil, &ChallengeError{"the digest challenge has no qop"}
	case !slices.Contains(qops, "auth"):
		return nil, &ChallengeError{"the digest challenge does not offer qop auth"}
	case strings.EqualFold(c.params["userhash"], "true"):
		return nil, &ChallengeError{"the digest challenge requires a hashed user name"}
	case strength(chal.Algorithm) == 0:
		return nil, &ChallengeError{"the digest challenge requires an algorithm other than MD5, SHA-256 and SHA-512-256"}
	case len(chal.Realm)+len(chal.Nonce)+len(chal.Opaque) > maxChallenge:
		return nil, &ChallengeError{"the digest challenge is longer than 16 KiB"}
	case strings.ContainsFunc(chal.Realm+chal.Nonce+chal.Opaque, isControl):
		return nil, &ChallengeError{"the digest challenge contains control characters"}
	}
	return chal, nil
}

// isControl reports whether r is not allowed in a header field (RFC 9110, section
// 5.5).
func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// strength ranks the supported algorithms; it returns 0 for any other. No algorithm
// means MD5 (RFC 7616, section 3.3).
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
