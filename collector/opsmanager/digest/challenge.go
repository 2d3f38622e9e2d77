package digest

import (
	"net/http"
	"slices"
	"strings"

	icholy "github.com/icholy/digest"
)

// maxChallenge bounds realm, nonce and opaque together, in bytes: they are kept
// for each nonce and sent with each request.
const maxChallenge = 16 << 10

// ChallengeError says why a 401 holds no digest challenge that can be answered.
type ChallengeError struct{ text string }

// Error implements error.
func (e *ChallengeError) Error() string { return e.text }

// findChallenge returns the strongest digest challenge in the WWW-Authenticate
// lines of a 401 that this package answers, or an error that says why there is
// none. Not answered are a challenge without qop (RFC 2069, replayable), with
// qop auth-int alone, with an MD5-sess like algorithm, with userhash, and one
// without nonce.
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

// digest checks the challenge and turns it into one for icholy/digest. Its own
// parser is not used: it fails on directives that are merely unknown.
func (c *challenge) digest() (*icholy.Challenge, *ChallengeError) {
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

// isControl tells whether a header field cannot hold r (RFC 9110, section 5.5).
func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

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
