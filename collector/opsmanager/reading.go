package opsmanager

import "fmt"

// Reading is a status as read by a poll. The zero Reading holds none.
type Reading struct {
	Status Status

	conn *connection // it was read from
	host string      // of the Ops Manager
}

// Retracted returns an [*Error] if the reading can no longer be trusted: the server
// sent an unsolicited response on its connection, so this one may belong to another
// request. Retracted is cheap and should be called as late as possible. It is safe for
// concurrent use.
func (r Reading) Retracted() error {
	if r.conn == nil || !r.conn.tainted.Load() {
		return nil
	}
	return &Error{Reason: ReasonBadResponse, Err: fmt.Errorf(
		"%s sent a response without a request, so this status may be another organization's; if this recurs, set reuse_connections: false", r.host)}
}
