package opsmanager

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter limits the delay that a server may request.
const maxRetryAfter = 24 * time.Hour

// refusal returns the error of a response with a code other than 200. It is the only
// place that decides what a code means.
func (p *poll) refusal(a *answer) *Error {
	code := a.apiError().ErrorCode
	e := &Error{StatusCode: a.code, ErrorCode: p.shown(code)}
	switch {
	case a.code == http.StatusUnauthorized:
		e.Reason, e.Err = a.unauthorized(code)
	case a.code == http.StatusForbidden && isRole(code):
		e.Reason = ReasonRole
	case a.code == http.StatusForbidden && isAccessList(code):
		e.Reason, e.Address = ReasonAccessList, a.address()
	case a.code == http.StatusForbidden:
		e.Reason = ReasonForbidden
	case a.code == http.StatusNotFound:
		e.Reason = ReasonNotFound
	case a.code == http.StatusTooManyRequests:
		e.Reason, e.RetryAfter = ReasonRateLimited, a.retryAfter(time.Now())
	case a.code >= 500 && a.code <= 599:
		e.Reason = ReasonServerError
	case a.code >= 300 && a.code <= 399:
		e.Reason = ReasonRedirect
	default:
		e.Reason = ReasonBadResponse
		if a.code == http.StatusBadRequest && a.credentials != nil && p.prefixed {
			e.Err = errPrefix
		}
	}
	return e
}

// unauthorized distinguishes the meanings of a 401 (Ops Manager documentation, "Error
// Codes": a missing role is a 401, the access list a 403).
func (a *answer) unauthorized(errorCode string) (Reason, error) {
	if isRole(errorCode) {
		return ReasonRole, nil // errorCode is sufficient
	}
	return a.refusal.reason, a.refusal.err
}

func isRole(errorCode string) bool {
	switch errorCode {
	case "USER_UNAUTHORIZED", "NOT_ORG_ADMIN", "NOT_IN_GROUP", "NO_CURRENT_USER":
		return true
	}
	return false
}

// isAccessList also accepts the codes of older servers (RESOURCE_REQUIRES_WHITELIST).
func isAccessList(errorCode string) bool {
	return strings.Contains(errorCode, "ACCESS_LIST") || strings.Contains(errorCode, "WHITELIST")
}

// apiError is the part of Ops Manager's error body that is used.
type apiError struct {
	ErrorCode  string `json:"errorCode"`
	Parameters []any  `json:"parameters"`
}

func (a *answer) apiError() apiError {
	var e apiError
	if body, err := a.decoded(); err == nil {
		if json.Unmarshal(body, &e) != nil {
			return apiError{} // not an error body of Ops Manager
		}
	}
	return e
}

// errorCodeShape matches the errorCodes that are shown in errors: the body comes from
// upstream and may even echo the request.
var errorCodeShape = regexp.MustCompile(`^[A-Z][A-Z0-9_]{2,63}$`)

// shown returns an errorCode if it is safe to show, or "".
func (p *poll) shown(errorCode string) string {
	if !errorCodeShape.MatchString(errorCode) || p.auth.echoes(errorCode) {
		return ""
	}
	return errorCode
}

// withoutEcho replaces the text of a connection error if it repeats a secret, as the
// names in a certificate may.
func (p *poll) withoutEcho(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.auth = p.auth
		if p.auth.echoes(e.Err.Error()) {
			e.Err = errEcho
		}
	}
	return err
}

// address returns this host's address as seen by Ops Manager: the first parameter of
// its access list errors.
func (a *answer) address() netip.Addr {
	if p := a.apiError().Parameters; len(p) > 0 {
		if s, ok := p[0].(string); ok {
			addr, _ := netip.ParseAddr(s) // the zero Addr if it is none
			return addr.WithZone("")      // a zone may be any text
		}
	}
	return netip.Addr{}
}

// retryAfter returns the delay requested by Retry-After, in seconds or as a date (RFC
// 9110, section 10.2.3), or 0 if there is none.
func (a *answer) retryAfter(now time.Time) time.Duration {
	text := a.header.Get("Retry-After")
	after := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		after = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		after = date.Sub(now).Round(time.Second)
	}
	return min(max(after, 0), maxRetryAfter)
}
