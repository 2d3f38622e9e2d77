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

	"opsmanager_exporter/collector/opsmanager/digest"
)

// maxRetryAfter bounds what a server may ask for.
const maxRetryAfter = 24 * time.Hour

// refusal turns an answer with a code other than 200 into an error. This is the
// one place that decides what a code means.
func (p *poll) refusal(a *answer) *Error {
	code := a.apiError().ErrorCode
	e := &Error{StatusCode: a.code, ErrorCode: p.shown(a, code)}
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

// unauthorized tells the meanings of a 401 apart (Ops Manager documentation,
// "Error Codes": a missing role is a 401, the access list a 403).
func (a *answer) unauthorized(errorCode string) (Reason, error) {
	switch {
	case isRole(errorCode):
		return ReasonRole, nil // the code says it all
	case errors.Is(a.refusal.Err, digest.ErrNonces):
		return ReasonNonce, a.refusal.Err
	}
	return ReasonUnauthorized, a.refusal.Err
}

func isRole(errorCode string) bool {
	switch errorCode {
	case "USER_UNAUTHORIZED", "NOT_ORG_ADMIN", "NOT_IN_GROUP", "NO_CURRENT_USER":
		return true
	}
	return false
}

// isAccessList also knows the codes of older servers (RESOURCE_REQUIRES_WHITELIST).
func isAccessList(errorCode string) bool {
	return strings.Contains(errorCode, "ACCESS_LIST") || strings.Contains(errorCode, "WHITELIST")
}

// apiError is the part of Ops Manager's error body that is read.
type apiError struct {
	ErrorCode  string `json:"errorCode"`
	Parameters []any  `json:"parameters"`
}

func (a *answer) apiError() apiError {
	var e apiError
	if body, err := a.decoded(); err == nil {
		if json.Unmarshal(body, &e) != nil {
			return apiError{} // no error body of Ops Manager: the status code says it all
		}
	}
	return e
}

// errorCodeShape is what an errorCode must look like to get into an error: the
// body is an upstream's text, and may even echo what was sent.
var errorCodeShape = regexp.MustCompile(`^[A-Z][A-Z0-9_]{2,63}$`)

// shown returns what can be shown of an errorCode.
func (p *poll) shown(a *answer, errorCode string) string {
	if !errorCodeShape.MatchString(errorCode) || p.session.Echoes(errorCode, a.credentials) {
		return ""
	}
	return errorCode
}

// withoutEcho drops the text of an error of the connection if it repeats the
// key: a certificate's names are an upstream's text too.
func (p *poll) withoutEcho(err error) error {
	var e *Error
	if errors.As(err, &e) && p.session.Echoes(e.Err.Error(), nil) {
		e.Err = errEcho
	}
	return err
}

// address returns this host's address as Ops Manager saw it: the first
// parameter of its access list errors.
func (a *answer) address() netip.Addr {
	if p := a.apiError().Parameters; len(p) > 0 {
		if s, ok := p[0].(string); ok {
			if addr, err := netip.ParseAddr(s); err == nil {
				return addr.WithZone("") // a zone may be any text
			}
		}
	}
	return netip.Addr{}
}

// retryAfter returns what the answer's Retry-After asks for, in seconds or as a
// date (RFC 9110, section 10.2.3), 0 for nothing.
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
