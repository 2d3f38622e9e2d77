package opsmanager

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

// Status is the status of a migration link as spelled by Ops Manager.
type Status string

// The statuses that Ops Manager documents for a migration link.
const (
	Synced    Status = "SYNCED"
	NotSynced Status = "NOT_SYNCED"
)

// Fix tells operators what to do about a link that is not synced. It returns "" for
// any other status.
func (s Status) Fix() string {
	if s != NotSynced {
		return ""
	}
	return "Check that Ops Manager can connect to Atlas (outgoing connections, proxy, not in local mode), that the access list of the link token includes its external IP address, and that the token still exists in Atlas. A new link takes a minute or two to become SYNCED."
}

// statusShape matches the unknown statuses that are quoted in errors: anything else
// may be free text from upstream.
var statusShape = regexp.MustCompile(`^[A-Z_]{1,32}$`)

// parseStatus returns the status in the body of a response with code 200. The body
// must be one JSON object with exactly one member named status, in lower case, whose
// value is the string SYNCED or NOT_SYNCED.
//
// It reads the members token by token because unmarshalling into a struct accepts a
// name in any letter case, and the last of several members.
func parseStatus(body []byte) (Status, *Error) {
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil { // also rejects a second value
		return "", &Error{Reason: ReasonBadResponse, Err: errors.New("the body is not a single JSON value")}
	}
	switch compact.String() { // the usual bodies: reading tokens takes eight times as long
	case `{"status":"SYNCED"}`:
		return Synced, nil
	case `{"status":"NOT_SYNCED"}`:
		return NotSynced, nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return "", &Error{Reason: ReasonBadResponse, Err: errors.New("the body is not a JSON object")}
	}
	var values []json.RawMessage
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			return "", &Error{Reason: ReasonBadResponse, Err: errors.New("the body is not a JSON object")}
		}
		if name == "status" {
			values = append(values, value)
		}
	}
	var status string
	switch {
	case len(values) == 0:
		return "", &Error{Reason: ReasonBadResponse, Err: errors.New("the body has no member named status")}
	case len(values) > 1:
		return "", &Error{Reason: ReasonBadResponse, Err: errors.New("the body has more than one member named status")}
	case values[0][0] != '"' || json.Unmarshal(values[0], &status) != nil:
		return "", &Error{Reason: ReasonBadResponse, Err: errors.New("the status is not a string")}
	}
	switch s := Status(status); s {
	case Synced, NotSynced:
		return s, nil
	}
	what := "the status"
	if statusShape.MatchString(status) {
		what += fmt.Sprintf(" %q", status)
	}
	return "", &Error{Reason: ReasonUnknownStatus, Err: fmt.Errorf("%s is neither %s nor %s", what, Synced, NotSynced)}
}
