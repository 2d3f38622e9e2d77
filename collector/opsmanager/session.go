package opsmanager

import (
	"context"
	"crypto/md5" //nolint:gosec // what Ops Manager asks for: RFC 7616, section 3.2
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/icholy/digest"

	"opsmanager_exporter/config"
)

// A nonce ends, for us, before Ops Manager ends it: there it lives 60 s and
// serves 1,024 requests (Jetty's DigestAuthenticator, whose challenge it sends).
const (
	nonceLifetime = 45 * time.Second
	nonceUses     = 1000
	sessionIdle   = 10 * time.Minute
)

// Sessions keeps the digest state of every API key at every origin. It outlives
// clients, so that a reload keeps nonces, and may be used concurrently.
//
// The state is our own because icholy/digest's Transport keys it by host name
// alone, asks for a challenge once per concurrent request, and takes an expired
// nonce for a rejected key.
type Sessions struct {
	now   func() time.Time
	mu    sync.Mutex
	all   map[[sha256.Size]byte]*session // by hash, so that no print of the map shows a key
	swept time.Time
}

// NewSessions returns an empty set of sessions.
func NewSessions() *Sessions {
	return &Sessions{now: time.Now, all: make(map[[sha256.Size]byte]*session)}
}

// of returns the session of a key at an origin (scheme://host:port). A rotated
// key is another key: it starts with fresh state.
func (s *Sessions) of(origin string, key config.KeyPair) *session {
	id := sha256.Sum256([]byte(origin + "\x00" + key.Public.Reveal() + "\x00" + key.Private.Reveal()))
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) > sessionIdle {
		for id, old := range s.all {
			if now.Sub(old.used) > sessionIdle {
				delete(s.all, id)
			}
		}
		s.swept = now
	}
	found := s.all[id]
	if found == nil {
		found = &session{now: s.now, key: key}
		s.all[id] = found
	}
	found.used = now
	return found
}

// session is the digest state of one API key at one origin.
type session struct {
	now  func() time.Time
	key  config.KeyPair
	used time.Time // guarded by Sessions.mu

	mu      sync.Mutex
	shared  *nonce       // what the next poll uses; nil before the first challenge
	request *challenging // the challenge in progress; nil when there is none
}

// challenging is a request for a challenge that other polls of the key wait for.
type challenging struct {
	since time.Time
	done  chan struct{} // closed when it ended
	ok    bool          // it brought a nonce; read after done
}

// nonce is a challenge to answer, for one poll alone or for all polls of a key.
type nonce struct {
	challenge *digest.Challenge
	ha1       config.Secret // the hash of user, realm and password: as good as the password
	prefix    config.Secret // of each Authorization header with this nonce
	issued    time.Time
	reserved  int // polls that use it as the shared nonce or will; guarded by session.mu
	uses      int // requests sent with it, the last one's nc; guarded by session.mu
}

// acquire returns the shared nonce. Where there is none, one poll is told to
// ask for a challenge (lead is true: it must call settle), the others wait for
// it, at most until hold after it began; then they get nil and go on at once.
func (s *session) acquire(ctx context.Context, hold time.Duration) (n *nonce, lead bool) {
	for {
		s.mu.Lock()
		if n := s.shared; s.usable(n) {
			n.reserved++
			s.mu.Unlock()
			return n, false
		}
		if s.request == nil {
			s.request = &challenging{since: s.now(), done: make(chan struct{})}
			s.mu.Unlock()
			return nil, true
		}
		request := s.request
		s.mu.Unlock()

		patience := time.NewTimer(min(hold, request.since.Add(hold).Sub(s.now()))) // the clock may have been set back
		select {
		case <-request.done:
			patience.Stop()
			if !request.ok {
				return nil, false
			}
		case <-patience.C:
			return nil, false
		case <-ctx.Done():
			patience.Stop()
			return nil, false
		}
	}
}

// settle ends the challenge in progress, with a nonce or (nil) without.
func (s *session) settle(n *nonce) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n != nil {
		n.reserved++ // for the poll that asked
		s.shared = n
	}
	s.request.ok = n != nil
	close(s.request.done)
	s.request = nil
}

// promote makes a nonce that was just accepted the shared one, unless another
// poll has already replaced the one that was refused.
func (s *session) promote(accepted, refused *nonce) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared == refused || !s.usable(s.shared) {
		accepted.reserved = max(accepted.reserved, accepted.uses)
		s.shared = accepted
	}
}

func (s *session) usable(n *nonce) bool {
	if n == nil || max(n.uses, n.reserved) >= nonceUses {
		return false
	}
	age := s.now().Sub(n.issued)
	return age >= 0 && age < nonceLifetime
}

// exclusive tells whether only one request ever used the nonce.
func (s *session) exclusive(n *nonce) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return n.uses == 1
}

// nonceFrom returns the nonce that a 401 brings, or an error that says why its
// challenge cannot be answered.
func (s *session) nonceFrom(header http.Header) (*nonce, error) {
	chal, err := findChallenge(header)
	if err != nil {
		return nil, err
	}
	// HA1 (RFC 7616, section 3.4.2) depends on key and realm alone: once per nonce.
	a1 := []byte(s.key.Public.Reveal() + ":" + chal.Realm + ":" + s.key.Private.Reveal())
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
		ha1:       config.NewSecret(hex.EncodeToString(ha1)),
		prefix:    s.prefix(chal),
		issued:    s.now(),
	}, nil
}

// authorization returns the Authorization header of the next request with n. uri is
// as it stands in the request line, so it holds nothing that needs a backslash.
func (s *session) authorization(n *nonce, method, uri string) (string, error) {
	s.mu.Lock()
	n.uses++
	count := n.uses
	s.mu.Unlock()
	cred, err := digest.Digest(n.challenge, digest.Options{
		Method: method, URI: uri, Count: count,
		Username: s.key.Public.Reveal(), A1: n.ha1.Reveal(),
	})
	if err != nil {
		return "", fmt.Errorf("answer digest challenge: %w", err)
	}
	// Credentials.String takes twice as long as the digest itself.
	return n.prefix.Reveal() + `, uri="` + uri + `", cnonce="` + cred.Cnonce + `", nc=` + fmt.Sprintf("%08x", count) +
		`, response="` + cred.Response + `"`, nil
}

// prefix returns what all Authorization headers for a challenge begin with.
func (s *session) prefix(chal *digest.Challenge) config.Secret {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace // RFC 9110, section 5.6.4
	text := `Digest username="` + quoted(s.key.Public.Reveal()) + `", realm="` + quoted(chal.Realm) + `", nonce="` + quoted(chal.Nonce) + `"`
	if chal.Algorithm != "" {
		text += ", algorithm=" + chal.Algorithm
	}
	if chal.Opaque != "" {
		text += `, opaque="` + quoted(chal.Opaque) + `"`
	}
	return config.NewSecret(text + ", qop=auth")
}
