package opsmanager

import (
	"time"

	"opsmanager_exporter/collector/opsmanager/bearer"
	"opsmanager_exporter/collector/opsmanager/digest"
)

// Sessions is the authentication state of credentials: the digest nonces of API keys
// and the tokens of service accounts. It outlives clients, and is safe for concurrent
// use.
type Sessions struct {
	now    func() time.Time
	digest *digest.Sessions
	bearer *bearer.Accounts
}

// NewSessions returns empty state.
func NewSessions() *Sessions { return newSessions(time.Now) }

func newSessions(now func() time.Time) *Sessions {
	return &Sessions{now: now, digest: digest.NewSessions(now), bearer: bearer.NewAccounts(now)}
}
