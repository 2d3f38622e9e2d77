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

// A nonce ends, for us, before Ops Manager ends it: there it lives 60 s and
// serves 1,024 requests (Jetty's DigestAuthenticator, whose challenge it sends).
const (
	nonceLifetime = 45 * time.Second
	nonceUses     = 1000
)

// Session is the digest state of one API key at one origin.
type Session struct {
	now    func() time.Time
	key    config.KeyPair
	origin *origin
	used   time.Time // guarded by Sessions.mu

	mu       sync.Mutex
	shared   *Nonce       // what the next poll uses; nil before the first challenge
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
func (s *Session) acquire(ctx context.Context, hold time.Duration) (n *Nonce, lead bool) {
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
func (s *Session) settle(n *Nonce) {
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

// suited returns the nonce that last worked on a connection, or n where there is
// none or connections do not matter.
func (s *Session) suited(route *Route, n *Nonce) *Nonce {
	if !s.origin.several.Load() {
		return n
	}
	known := route.nonce(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known == n || !s.usable(known) {
		return n
	}
	n.reserved--
	known.reserved++
	return known
}

// accept notes that a nonce was accepted, and makes it the shared one unless
// another poll has already replaced the one that this poll saw refused.
func (s *Session) accept(n, refused *Nonce) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = false
	if s.shared == refused || !s.usable(s.shared) {
		n.reserved = max(n.reserved, n.uses)
		s.shared = n
	}
}

// usable needs mu.
func (s *Session) usable(n *Nonce) bool {
	if n == nil || max(n.uses, n.reserved) >= nonceUses {
		return false
	}
	age := s.now().Sub(n.issued)
	return age >= 0 && age < nonceLifetime
}

// nonceFrom returns the nonce that a 401 brings, or an error that says why its
// challenge cannot be answered. The cookies of the request stay with it, besides
// those that the answer sets; before is what the request used, nil for nothing.
func (s *Session) nonceFrom(target *url.URL, header http.Header, before *Nonce) (n *Nonce, stale bool, err error) {
	chal, err := findChallenge(header)
	if err != nil {
		return nil, false, err
	}
	n = newNonce(chal, s.key)
	n.issued, n.number = s.now(), s.origin.count()
	s.mu.Lock()
	defer s.mu.Unlock()
	if before != nil {
		n.cookies = before.cookies
	}
	n.cookies = n.cookies.with(target, header)
	return n, chal.Stale, nil
}

// authorize returns the credentials of the next request with a nonce.
func (s *Session) authorize(n *Nonce, method string, target *url.URL) (*Credentials, error) {
	s.mu.Lock()
	n.uses++
	count, cookies := n.uses, n.cookies
	s.mu.Unlock()
	c, err := newCredentials(n, count, s.key.Public.Reveal(), method, target.RequestURI())
	if err != nil {
		return nil, err
	}
	c.cookie = config.NewSecret(cookies.header(target))
	return c, nil
}

// keepCookies keeps what an answer sets with the nonce of its request.
func (s *Session) keepCookies(n *Nonce, target *url.URL, header http.Header) {
	if len(header["Set-Cookie"]) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n.cookies = n.cookies.with(target, header)
}

// usesOf returns how many requests were sent with a nonce.
func (s *Session) usesOf(n *Nonce) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return n.uses
}

// reject notes that the key was not accepted.
func (s *Session) reject() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = true
}

// inDoubt tells whether a refusal that speaks against the key may mean another
// server instead: such a one is known, and the key was not rejected since it was
// last accepted.
func (s *Session) inDoubt(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.rejected && s.origin.keepsQuiet(now)
}
