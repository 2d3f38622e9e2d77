package digest

import (
	"crypto/sha256"
	"sync"
	"time"

	"opsmanager_exporter/config"
)

// sessionIdle is how long a session is kept after its last poll.
const sessionIdle = 10 * time.Minute

// Sessions keeps the digest state of every API key at every origin. It outlives
// clients, so that nonces survive a reload, and is safe for concurrent use.
type Sessions struct {
	now     func() time.Time
	mu      sync.Mutex
	origins map[string]*origin
	swept   time.Time
}

// NewSessions returns an empty Sessions that uses the clock now.
func NewSessions(now func() time.Time) *Sessions {
	return &Sessions{now: now, origins: make(map[string]*origin)}
}

// Of returns the session of a key at an origin such as https://host:port. After a
// rotation the new key has its own session.
func (s *Sessions) Of(name string, key config.KeyPair) *Session {
	// A hash, so that printing the map shows no key.
	id := sha256.Sum256([]byte(key.Public.Reveal() + "\x00" + key.Private.Reveal()))
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) > sessionIdle {
		s.sweep(now)
	}
	at := s.origins[name]
	if at == nil {
		at = &origin{sessions: make(map[[sha256.Size]byte]*Session)}
		s.origins[name] = at
	}
	found := at.sessions[id]
	if found == nil {
		found = &Session{now: s.now, key: key, origin: at}
		at.sessions[id] = found
	}
	found.used = now
	return found
}

func (s *Sessions) sweep(now time.Time) {
	for name, at := range s.origins {
		for id, session := range at.sessions {
			if now.Sub(session.used) > sessionIdle {
				delete(at.sessions, id)
			}
		}
		if len(at.sessions) == 0 {
			delete(s.origins, name)
		}
	}
	s.swept = now
}
