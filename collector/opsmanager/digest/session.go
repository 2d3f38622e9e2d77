package digest

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"opsmanager_exporter/config"
)

// Session is the digest state of one API key at one origin.
type Session struct {
	now    func() time.Time
	key    config.KeyPair
	origin *origin
	used   time.Time // guarded by Sessions.mu

	mu       sync.Mutex
	shared   *nonce       // what the next poll uses; nil before the first challenge
	request  *challenging // the challenge request in progress; nil if there is none
	rejected bool         // the key was rejected, and not accepted since
}

// challenging is a challenge request that other polls of the key wait for.
type challenging struct {
	since time.Time
	done  chan struct{} // closed at its end
	ok    bool          // it got a nonce; read after done
}

// Echoes reports whether a text contains, in any letter case, a half of the key or a
// secret of the credentials c, which may be nil.
func (s *Session) Echoes(text string, c *Credentials) bool {
	secrets := []string{s.key.Public.Reveal(), s.key.Private.Reveal()}
	if c != nil {
		secrets = append(secrets, c.secrets()...)
	}
	text = strings.ToLower(text)
	return slices.ContainsFunc(secrets, func(secret string) bool {
		return secret != "" && strings.Contains(text, strings.ToLower(secret))
	})
}

// acquire returns the shared nonce. If there is none, one poll gets lead: it must
// request a challenge and call settle. The others wait for it until hold has passed
// since its request began; then they get nil and proceed at once.
func (s *Session) acquire(ctx context.Context, hold time.Duration) (n *nonce, lead bool) {
	for {
		s.mu.Lock()
		if n := s.shared; n.reserve(s.now()) {
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

// settle ends the challenge request in progress; n is nil if it got no nonce.
func (s *Session) settle(n *nonce) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.reserve(s.now()) { // for the poll that requested it
		s.shared = n
	}
	s.request.ok = n != nil
	close(s.request.done)
	s.request = nil
}

// suited returns the nonce to use on a connection instead of n: the one that last
// worked on it if connections may lead to different servers, otherwise n.
func (s *Session) suited(route *Route, n *nonce) *nonce {
	if !s.origin.several.Load() {
		return n
	}
	known := route.nonce(s)
	if known == n || !known.reserve(s.now()) {
		return n
	}
	n.release()
	return known
}

// accept records that a nonce was accepted and shares it, unless another poll has
// already replaced the refused one.
func (s *Session) accept(n, refused *nonce) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = false
	if s.shared == nil || s.shared == refused || !s.shared.young(s.now()) {
		s.shared = n
	}
}

// reject records that the key was rejected.
func (s *Session) reject() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = true
}

// inDoubt reports whether a refusal that may be due to the key may instead be from a
// server that did not issue the nonce: such a server is known, and the key was not
// rejected since it was last accepted.
func (s *Session) inDoubt(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.rejected && s.origin.keepsQuiet(now)
}

// challenged returns the nonce in a 401, or an error that explains why its challenge
// cannot be answered. The nonce has the cookies of before, the nonce of the request
// (nil for none), updated by those in the response.
func (s *Session) challenged(target *url.URL, header http.Header, before *nonce) (n *nonce, stale bool, err error) {
	chal, err := findChallenge(header)
	if err != nil {
		return nil, false, err
	}
	n = newNonce(chal, s.key, s.now(), s.origin.count())
	n.cookies = before.jar().with(target, header)
	return n, chal.Stale, nil
}
