package opsmanager

import "fmt"

// Reading is a status that was read. The zero Reading is none.
type Reading struct {
	Status Status

	conn *connection // that it came over
	host string      // of the Ops Manager
}

// Retracted returns an [*Error] if the reading cannot be trusted any more: its
// connection turned out to hold an answer that nobody asked for, so this one may
// have been that to another request. It is cheap, and best asked as late as
// possible. It may be called concurrently.
func (r Reading) Retracted() error {
	if r.conn == nil || !r.conn.tainted.Load() {
		return nil
	}
	return &Error{Reason: ReasonBadResponse, Err: fmt.Errorf(
		"%s sent a response without a request, so this status may be another organization's; if this recurs, set reuse_connections: false", r.host)}
}
