package opsmanager

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
)

// Error is the error of a failed poll. Its text never contains a key, digest material
// or free text from upstream.
type Error struct {
	Reason Reason
	// Token reports that the failed request was the one for a service account's token,
	// by this poll or by another one of the account.
	Token bool
	// StatusCode is the HTTP status code, or 0 if there was no complete response.
	StatusCode int
	// ErrorCode is Ops Manager's errorCode, or the error of RFC 6749, section 5.2, in
	// a response to a request for a token, or "" if there is none.
	ErrorCode string
	// Address is the address of this host as reported by Ops Manager with
	// [ReasonAccessList], or the zero Addr.
	Address netip.Addr
	// RetryAfter is the delay requested by the server with [ReasonRateLimited], at
	// most a day, or 0 if there is none.
	RetryAfter time.Duration
	// Err is the cause; nil if the codes are sufficient.
	Err error

	auth authentication // of a poll that got no response; nil otherwise
}

// Echoes reports whether a text, such as the name in a certificate that Err holds,
// contains a secret of the poll in any letter case.
func (e *Error) Echoes(text string) bool { return e.auth != nil && e.auth.echoes(text) }

// Error implements error.
func (e *Error) Error() string {
	var parts []string
	if e.Token {
		parts = append(parts, "token request")
	}
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
	if e.StatusCode == 0 && e.Err == nil {
		parts = append(parts, string(e.Reason))
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ChallengeError explains why a 401 has no digest challenge that can be answered.
type ChallengeError = digest.ChallengeError

// tooLarge is the error of a body larger than limit, in bytes.
func tooLarge(limit int) error { return fmt.Errorf("the body is larger than %d KiB", limit>>10) }

// ReasonOf returns the reason of a failed poll. An error that is not an [*Error] would
// be a bug in this package and counts as a bad response.
func ReasonOf(err error) Reason {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Reason
	}
	return ReasonBadResponse
}

var (
	errNoTLS   = errors.New("the client has no TLS configuration yet: SetTLS comes before the first poll")
	errToken   = errors.New("the access token was rejected, and so was a new one")
	errTimeout = errors.New("no complete response within the timeout of the poll")
	errBroken  = errors.New("the connection failed")
	errEcho    = errors.New("the connection error is not shown because it repeats the credentials")
	errUnasked = errors.New("the response arrived before the request: the server sends more responses than it receives requests")
	errNotHTTP = errors.New("the response is not valid HTTP")
	errPrefix  = errors.New("a proxy in front of Ops Manager may have changed the path, which the digest covers: configure it to pass the path on unchanged")
	errUnknown = fmt.Errorf("the status is neither %s nor %s", Synced, NotSynced)
)
