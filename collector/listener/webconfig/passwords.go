package webconfig

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

const (
	// maxVerdicts is the maximum size of each of the caches of passwords.
	maxVerdicts = 100
	// nobody is the hash that is compared for users that do not exist, so that they
	// take as long as those that do. It is the hash of "fakepassword", as in
	// exporter-toolkit.
	nobody = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
)

// digest identifies a user, hash and password without storing the password.
type digest = [sha256.Size]byte

// passwords caches which passwords are right and wrong, because bcrypt is slow by
// design. Right ones have a separate cache, so that guesses cannot evict them.
type passwords struct {
	bcrypt sync.Mutex // held during a comparison, so that guesses use only one CPU

	mu           sync.Mutex
	right, wrong map[digest]bool
}

// match reports whether the password matches the bcrypt hash of the user. hash is ""
// for a user that does not exist.
func (p *passwords) match(user, hash, password string) bool {
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", user, hash, password))
	if right, known := p.verdict(key); known {
		return right
	}
	p.bcrypt.Lock()
	defer p.bcrypt.Unlock()
	if right, known := p.verdict(key); known { // compared in the meantime
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

// remember adds a key, and evicts an arbitrary one if there are too many.
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
