package webconfig

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

const (
	// maxVerdicts bounds each of the memories of passwords.
	maxVerdicts = 100
	// nobody is the hash that is compared for users that do not exist, so that they
	// take as long as those that do. It is that of "fakepassword", as in
	// exporter-toolkit.
	nobody = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
)

// digest stands for a user, a hash and a password, so that no password is kept.
type digest = [sha256.Size]byte

// passwords remembers which passwords were right and which were wrong, because
// bcrypt takes long on purpose. Right ones have a memory of their own, so that
// nobody pushes them out with guesses.
type passwords struct {
	bcrypt sync.Mutex // held by the comparison under way: one CPU is enough for guesses

	mu           sync.Mutex
	right, wrong map[digest]bool
}

// match reports whether the password of a user is that of a bcrypt hash. hash is
// "" for a user that does not exist.
func (p *passwords) match(user, hash, password string) bool {
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", user, hash, password))
	if right, known := p.verdict(key); known {
		return right
	}
	p.bcrypt.Lock()
	defer p.bcrypt.Unlock()
	if right, known := p.verdict(key); known { // by now
		return right
	}
	right := bcrypt.CompareHashAndPassword([]byte(cmp.Or(hash, nobody)), []byte(password)) == nil && hash != ""
	p.mu.Lock()
	defer p.mu.Unlock()
	if right {
		p.right = remember(p.right, key)
	} else {
		p.wrong = remember(p.wrong, key)
	}
	return right
}

func (p *passwords) verdict(key digest) (right, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.right[key], p.right[key] || p.wrong[key]
}

// remember adds a key, in place of any other if there are too many.
func remember(keys map[digest]bool, key digest) map[digest]bool {
	if keys == nil {
		keys = make(map[digest]bool)
	}
	if len(keys) >= maxVerdicts {
		for other := range keys {
			delete(keys, other)
			break
		}
	}
	keys[key] = true
	return keys
}
