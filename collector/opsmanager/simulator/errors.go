package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// applicationError is an error reported by Ops Manager itself. Details are taken from
// its list of error codes.
type applicationError struct {
	status     int
	code       string
	detail     string
	parameters []string
}

// MissingRole is the response to a key without the Organization Owner role: 401
// USER_UNAUTHORIZED. It is unknown whether Ops Manager adds a challenge.
func MissingRole(withChallenge bool) Answer {
	answer := Code(http.StatusUnauthorized, "USER_UNAUTHORIZED")
	return func(w http.ResponseWriter, r *http.Request) {
		if e := exchangeOf(r); e != nil && withChallenge {
			e.challenge(false)
		}
		answer(w, r)
	}
}

// NotOnAccessList is 403 IP_ADDRESS_NOT_ON_ACCESS_LIST for the address ip.
func NotOnAccessList(ip string) Answer {
	return applicationError{
		http.StatusForbidden, "IP_ADDRESS_NOT_ON_ACCESS_LIST",
		"IP address " + ip + " is not allowed to access this resource.",
		[]string{ip},
	}.answer()
}

// OrgRequiresAccessList is 403 ORG_REQUIRES_ACCESS_LIST for the address ip, the
// response of Cloud Manager to a key without an access list.
func OrgRequiresAccessList(ip string) Answer {
	return applicationError{
		http.StatusForbidden, "ORG_REQUIRES_ACCESS_LIST",
		"This organization requires access through an access list of ip ranges.",
		[]string{ip},
	}.answer()
}

// ResourceRequiresAccessList is 403 RESOURCE_REQUIRES_ACCESS_LIST for the address ip, as
// reported by operators of Ops Manager.
func ResourceRequiresAccessList(ip string) Answer {
	return applicationError{
		http.StatusForbidden, "RESOURCE_REQUIRES_ACCESS_LIST",
		"This resource requires access through an access list of ip ranges.",
		[]string{ip},
	}.answer()
}

// OrgNotFound is 404 ORG_NOT_FOUND for the requested organization.
func OrgNotFound() Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		id := ""
		if e := exchangeOf(r); e != nil {
			id = e.orgID
		}
		applicationError{
			http.StatusNotFound, "ORG_NOT_FOUND",
			"No organization with ID " + id + " exists.",
			[]string{id},
		}.answer()(w, r)
	}
}

// ResourceNotFound is 404 RESOURCE_NOT_FOUND for the requested path, the response of a
// server without this API.
func ResourceNotFound() Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		applicationError{
			http.StatusNotFound, "RESOURCE_NOT_FOUND",
			"Cannot find resource " + r.URL.Path + ".",
			[]string{r.URL.Path},
		}.answer()(w, r)
	}
}

// RateLimited is 429 RATE_LIMITED for the requested path. An empty retryAfter sends no
// Retry-After.
func RateLimited(retryAfter string) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		applicationError{
			http.StatusTooManyRequests, "RATE_LIMITED",
			"Resource " + r.URL.Path + " is limited to 100 requests every 1 minutes.",
			[]string{r.URL.Path, "100", "1"},
		}.answer()(w, r)
	}
}

// UnexpectedError is 500 UNEXPECTED_ERROR.
func UnexpectedError() Answer {
	return Code(http.StatusInternalServerError, "UNEXPECTED_ERROR")
}

// Code is an error with any status and code, with the documented detail if the code has
// no parameters.
func Code(status int, errorCode string) Answer {
	detail := "The request failed."
	switch errorCode {
	case "USER_UNAUTHORIZED":
		detail = "Current user is not authorized to perform this action."
	case "NO_CURRENT_USER":
		detail = "No current user."
	case "NOT_IN_GROUP":
		detail = "The current user is not in the group, or the group does not exist."
	case "FEATURE_UNSUPPORTED":
		detail = "Feature not supported by current account level."
	case "UNSUPPORTED_FOR_CURRENT_CONFIG":
		detail = "Operation not supported for current configuration."
	case "UNSUPPORTED_FOR_CURRENT_PLAN":
		detail = "Operation not supported for current plan."
	case "UNEXPECTED_ERROR":
		detail = "Unexpected error."
	}
	return applicationError{status, errorCode, detail, nil}.answer()
}

// MethodNotAllowed is a 405 without a body or Allow header.
func MethodNotAllowed() Answer { return Body(http.StatusMethodNotAllowed, "", "") }

// HTML responds with an error page of Jetty or of a load balancer in front of it,
// without the headers of Ops Manager. With 200 it represents a login page.
func HTML(status int) Answer {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	page := []byte(`<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>
<title>Error ` + title + `</title>
</head>
<body><h2>HTTP ERROR ` + title + `</h2>
<table>
<tr><th>STATUS:</th><td>` + strconv.Itoa(status) + `</td></tr>
<tr><th>MESSAGE:</th><td>` + http.StatusText(status) + `</td></tr>
</table>
</body>
</html>
`)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html;charset=iso-8859-1")
		write(w, status, page)
	}
}

// answer honors pretty=true. It is unknown whether envelope=true affects errors; here
// it does not.
func (a applicationError) answer() Answer {
	compact, pretty := a.compact(), a.pretty()
	return func(w http.ResponseWriter, r *http.Request) {
		body := compact
		if asked(r, "pretty") {
			body = pretty
		}
		Body(a.status, jsonType, body)(w, r)
	}
}

func (a applicationError) compact() string {
	return fmt.Sprintf(`{"detail":%s,"error":%d,"errorCode":%s,"parameters":[%s],"reason":%s}`,
		quote(a.detail), a.status, quote(a.code), a.list(","), quote(http.StatusText(a.status)))
}

// pretty formats like Jackson's pretty printer, which writes [ ] for an empty list.
func (a applicationError) pretty() string {
	parameters := a.list(", ")
	if parameters != "" {
		parameters = " " + parameters
	}
	return fmt.Sprintf("{\n  \"detail\" : %s,\n  \"error\" : %d,\n  \"errorCode\" : %s,\n  \"parameters\" : [%s ],\n  \"reason\" : %s\n}",
		quote(a.detail), a.status, quote(a.code), parameters, quote(http.StatusText(a.status)))
}

func (a applicationError) list(separator string) string {
	quoted := make([]string, len(a.parameters))
	for i, p := range a.parameters {
		quoted[i] = quote(p)
	}
	return strings.Join(quoted, separator)
}
