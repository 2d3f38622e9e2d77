package opsmanager

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
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
	// RetryAfter is how long the server asks to wait with [ReasonRateLimited], at
	// most a day; 0 where it does not say.
	RetryAfter time.Duration
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
	if e.RetryAfter != 0 {
		parts = append(parts, "retry after "+e.RetryAfter.String())
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

// ChallengeError says why a 401 holds no digest challenge that can be answered.
type ChallengeError = digest.ChallengeError

// ReasonOf returns the reason of a failed poll. An error that is no [*Error]
// would be a defect of this package; it counts as a bad response.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ReasonBadResponse
}

var (
	errNoTLS    = errors.New("the client has no TLS configuration yet: SetTLS comes before the first poll")
	errTimeout  = errors.New("no complete response before the deadline")
	errBroken   = errors.New("the connection failed")
	errEcho     = errors.New("the connection error is not shown because it repeats the API key")
	errUnasked  = errors.New("the response arrived before the request: the server sends more responses than it receives requests")
	errNotHTTP  = errors.New("the response is not valid HTTP")
	errPrefix   = errors.New("a proxy in front of Ops Manager may have changed the path, which the digest covers: configure it to pass the path on unchanged")
	errTooLarge = errors.New("the body is larger than 64 KiB")
	errUnknown  = fmt.Errorf("the status is neither %s nor %s", Synced, NotSynced)
)
