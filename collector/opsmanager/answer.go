package opsmanager

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"opsmanager_exporter/collector/opsmanager/digest"
)

// answer is a complete HTTP response.
type answer struct {
	code        int
	header      http.Header
	body        []byte              // still encoded, at most maxBody
	tooLarge    bool                // body is truncated
	conn        *connection         // it was read from
	credentials *digest.Credentials // of its request; nil for none
	refusal     digest.Refusal      // what a 401 means
}

// read returns the status in the last response of a poll, or an [*Error].
func (p *poll) read(ctx context.Context, a *answer) (Status, error) {
	if a.code != http.StatusOK {
		return "", p.refusal(a)
	}
	body, err := a.trusted()
	if err != nil {
		return "", &Error{Reason: ReasonBadResponse, StatusCode: a.code, Err: err}
	}
	if traced(ctx) {
		tell(ctx, "body: %s", shape(body))
	}
	status, failure := parseStatus(body)
	if failure != nil {
		failure.StatusCode = a.code
		if p.session.Echoes(failure.Err.Error(), a.credentials) {
			failure.Err = errUnknown
		}
		return "", failure
	}
	return status, nil
}

// trusted returns the decoded body, or an error if the response is not from Ops
// Manager itself.
func (a *answer) trusted() ([]byte, error) {
	if a.credentials == nil {
		return nil, errNotAsked
	}
	if err := cached(a.header); err != nil {
		return nil, err
	}
	return a.decoded()
}

// decoded returns the body without its content encoding.
func (a *answer) decoded() ([]byte, error) {
	if a.tooLarge {
		return nil, errTooLarge
	}
	switch encoding := strings.Join(a.header.Values("Content-Encoding"), ", "); strings.ToLower(encoding) {
	case "", "identity":
		return a.body, nil
	case "gzip", "x-gzip":
	default:
		return nil, errors.New("the body has a content encoding that was not requested")
	}
	zr, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		return nil, errors.New("the body is not gzip, contrary to its header")
	}
	body, err := io.ReadAll(io.LimitReader(zr, maxBody+1))
	switch {
	case err != nil:
		return nil, errors.New("the body is corrupt gzip")
	case len(body) > maxBody:
		return nil, errTooLarge
	}
	return body, nil
}
