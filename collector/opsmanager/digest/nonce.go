package digest

import (
	"crypto/md5" //nolint:gosec // what Ops Manager asks for: RFC 7616, section 3.2
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"
	"time"

	icholy "github.com/icholy/digest"

	"opsmanager_exporter/config"
)

// Nonce is a challenge to answer, for one poll alone or for all polls of a key,
// and what goes with each answer to it.
type Nonce struct {
	challenge *icholy.Challenge
	ha1       config.Secret // the hash of user, realm and password: as good as the password
	prefix    config.Secret // of each Authorization header with this nonce
	issued    time.Time
	number    uint64 // counts the nonces of the origin

	cookies  *cookies // guarded by Session.mu
	reserved int      // polls that use it as the shared nonce or will; guarded by Session.mu
	uses     int      // requests sent with it, the last one's nc; guarded by Session.mu
}

// newNonce returns what answers a challenge with a key.
func newNonce(chal *icholy.Challenge, key config.KeyPair) *Nonce {
	// HA1 (RFC 7616, section 3.4.2) depends on key and realm alone: once per nonce.
	a1 := []byte(key.Public.Reveal() + ":" + chal.Realm + ":" + key.Private.Reveal())
	var ha1 []byte
	switch strings.ToUpper(chal.Algorithm) {
	case "SHA-256":
		sum := sha256.Sum256(a1)
		ha1 = sum[:]
	case "SHA-512-256":
		sum := sha512.Sum512_256(a1)
		ha1 = sum[:]
	default:
		sum := md5.Sum(a1) //nolint:gosec // see its import
		ha1 = sum[:]
	}
	return &Nonce{
		challenge: chal,
		ha1:       config.NewSecret(hex.EncodeToString(ha1)),
		prefix:    prefixOf(chal, key),
	}
}

// prefixOf returns what all Authorization headers for a challenge begin with.
func prefixOf(chal *icholy.Challenge, key config.KeyPair) config.Secret {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace // RFC 9110, section 5.6.4
	text := `Digest username="` + quoted(key.Public.Reveal()) + `", realm="` + quoted(chal.Realm) + `", nonce="` + quoted(chal.Nonce) + `"`
	if chal.Algorithm != "" {
		text += ", algorithm=" + chal.Algorithm
	}
	if chal.Opaque != "" {
		text += `, opaque="` + quoted(chal.Opaque) + `"`
	}
	return config.NewSecret(text + ", qop=auth")
}
