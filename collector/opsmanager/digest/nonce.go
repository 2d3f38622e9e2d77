package digest

import (
	"crypto/md5" //nolint:gosec // required by Ops Manager: RFC 7616, section 3.2
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	icholy "github.com/icholy/digest"

	"opsmanager_exporter/config"
)

// The limits of a nonce. They are below those of Ops Manager, 60 s and a nonce count of
// 1,024, which are the defaults of Jetty's DigestAuthenticator.
const (
	nonceLifetime = 45 * time.Second
	nonceUses     = 1000
)

// nonce is a challenge and its state, used by one poll or by all polls of a key.
type nonce struct {
	challenge *icholy.Challenge
	user      config.Secret
	ha1       config.Secret // hash of user, realm and password; equivalent to the password
	prefix    config.Secret // of each Authorization header with this nonce
	issued    time.Time
	number    uint64 // sequence number at the origin

	mu       sync.Mutex
	cookies  *cookies
	reserved int // polls that use or will use it as the shared nonce
	uses     int // requests sent; the nc of the last one
}

// newNonce returns the nonce of a challenge for a key, the number-th at its origin.
func newNonce(chal *icholy.Challenge, key config.KeyPair, issued time.Time, number uint64) *nonce {
	// HA1 (RFC 7616, section 3.4.2) depends only on key and realm, so it is computed
	// once per nonce.
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
	return &nonce{
		challenge: chal,
		user:      key.Public,
		ha1:       config.NewSecret(hex.EncodeToString(ha1)),
		prefix:    prefixOf(chal, key.Public),
		issued:    issued,
		number:    number,
	}
}

// prefixOf returns the common prefix of all Authorization headers for a challenge.
func prefixOf(chal *icholy.Challenge, user config.Secret) config.Secret {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace // RFC 9110, section 5.6.4
	text := `Digest username="` + quoted(user.Reveal()) + `", realm="` + quoted(chal.Realm) + `", nonce="` + quoted(chal.Nonce) + `"`
	if chal.Algorithm != "" {
		text += ", algorithm=" + chal.Algorithm
	}
	if chal.Opaque != "" {
		text += `, opaque="` + quoted(chal.Opaque) + `"`
	}
	return config.NewSecret(text + ", qop=auth")
}

// reserve reserves a use of n for a poll. It returns false if n is nil or exhausted.
func (n *nonce) reserve(now time.Time) bool {
	if n == nil {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.young(now) || max(n.uses, n.reserved) >= nonceUses {
		return false
	}
	n.reserved = max(n.uses, n.reserved) + 1
	return true
}

// young reports whether n is younger than nonceLifetime.
func (n *nonce) young(now time.Time) bool {
	age := now.Sub(n.issued)
	return age >= 0 && age < nonceLifetime
}

// release cancels a reservation.
func (n *nonce) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reserved--
}

// credentials returns the credentials of the next request with n.
func (n *nonce) credentials(method string, target *url.URL) (*Credentials, error) {
	n.mu.Lock()
	n.uses++
	count, cookies := n.uses, n.cookies
	n.mu.Unlock()
	return newCredentials(n, count, method, target, cookies)
}

// sent returns how many requests were sent with n.
func (n *nonce) sent() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.uses
}

// keep stores the cookies set by a response to a request with n.
func (n *nonce) keep(target *url.URL, header http.Header) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cookies = n.cookies.with(target, header)
}

// jar returns the cookies of n, which may be nil.
func (n *nonce) jar() *cookies {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cookies
}
