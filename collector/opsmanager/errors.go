package opsmanager

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Error is a poll that learned no status. Its text never holds a key, digest
// material or an upstream's free text.
type Error struct {
	Reason Reason
	// StatusCode is the HTTP status code, 0 where no whole answer came.
	StatusCode int
	// ErrorCode is Ops Manager's errorCode, "" where there is none.
	ErrorCode string
	// Address is the address of this host as Ops Manager reports it with
	// [ReasonAccessList]; the zero Addr where it does not.
	Address netip.Addr
	// Err says what happened; nil where code and errorCode say it all.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	var parts []string
	if e.StatusCode != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.StatusCode, e.ErrorCode)))
	}
	if e.Address.IsValid() {
		parts = append(parts, "from address "+e.Address.String())
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if len(parts) == 0 {
		return string(e.Reason)
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns what happened, for errors.As.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns the reason of a failed poll. An error that is no [*Error]
// would be a defect of this package; it counts as a bad response.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ReasonBadResponse
}
