package bearer

import (
	"crypto/sha256"
	"sync"
	"time"

	"opsmanager_exporter/config"
)

// accountIdle is how long an account is kept after its last poll.
const accountIdle = 10 * time.Minute

// Accounts keeps the token of every service account at every origin. It outlives
// clients, so that tokens survive a reload, and is safe for concurrent use.
type Accounts struct {
	now      func() time.Time
	mu       sync.Mutex
	accounts map[[sha256.Size]byte]*Account
	swept    time.Time
}

// NewAccounts returns an empty Accounts that uses the clock now.
func NewAccounts(now func() time.Time) *Accounts {
	return &Accounts{now: now, accounts: make(map[[sha256.Size]byte]*Account)}
}

// Of returns the account with this client ID and secret at an origin such as
// https://host:port. With a new secret it is another account.
func (s *Accounts) Of(origin string, key config.KeyPair) *Account {
	// A hash, so that printing the map shows no secret.
	id := sha256.Sum256([]byte(origin + "\x00" + key.Public.Reveal() + "\x00" + key.Private.Reveal()))
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) > accountIdle { // seldom, as there may be 10,000 accounts
		for id, account := range s.accounts {
			if now.Sub(account.used) > accountIdle {
				delete(s.accounts, id)
			}
		}
		s.swept = now
	}
	found := s.accounts[id]
	if found == nil {
		found = &Account{now: s.now, key: key, changed: make(chan struct{})}
		s.accounts[id] = found
	}
	found.used = now
	return found
}
