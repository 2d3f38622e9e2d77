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
	request  *challenging // the challenge in progress; nil if there is none
	rejected bool         // the key was, and not accepted since
}

// challenging is a request for a challenge that other polls of the key wait for.
type challenging struct {
	since time.Time
	done  chan struct{} // closed when it ended
	ok    bool          // it brought a nonce; read after done
}

// Echoes tells whether a text repeats, in any letter case, a half of the key or
// what a request proved it with; c is nil for a request without credentials.
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

// acquire returns the shared nonce. Where there is none, one poll is told to
// ask for a challenge (lead is true: it must call settle), the others wait for
// it, at most until hold after it began; then they get nil and go on at once.
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

// settle ends the challenge in progress, with a nonce or (nil) without.
func (s *Session) settle(n *nonce) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.reserve(s.now()) { // for the poll that asked
		s.shared = n
	}
	s.request.ok = n != nil
	close(s.request.done)
	s.request = nil
}

// suited returns the nonce that last worked on a connection in place of n, if
// there is one and connections matter.
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

// accept notes that a nonce was accepted, and makes it the shared one unless
// another poll has already replaced the one that this poll saw refused.
func (s *Session) accept(n, refused *nonce) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = false
	if s.shared == nil || s.shared == refused || !s.shared.young(s.now()) {
		s.shared = n
	}
}

// reject notes that the key was not accepted.
func (s *Session) reject() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = true
}

// inDoubt tells whether a refusal that speaks against the key may be that of
// another server instead: there is such a one, and the key was not rejected since
// it was last accepted.
func (s *Session) inDoubt(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.rejected && s.origin.keepsQuiet(now)
}

// challenged returns the nonce that a 401 brings, or an error that says why its
// challenge cannot be answered. It has the cookies of the request, which used
// before (nil for nothing), besides those that the answer sets.
func (s *Session) challenged(target *url.URL, header http.Header, before *nonce) (n *nonce, stale bool, err error) {
	chal, err := findChallenge(header)
	if err != nil {
		return nil, false, err
	}
	n = newNonce(chal, s.key, s.now(), s.origin.count())
	n.cookies = before.jar().with(target, header)
	return n, chal.Stale, nil
}
