package opsmanager

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// answer is a complete HTTP response.
type answer struct {
	code        int
	header      http.Header
	body        []byte      // at most limit; still encoded unless returned by [Round.get]
	limit       int         // of the body in bytes, both compressed and decompressed
	tooLarge    bool        // body is truncated
	conn        *connection // it was read from
	credentials credentials // of its request; nil for none
	refusal     refusal     // what a 401 means
	auth        authentication
}

// status returns the status in a decoded body, or an [*Error].
func (a *answer) status() (Status, error) {
	status, failure := parseStatus(a.body)
	if failure != nil {
		failure.StatusCode = a.code
		if a.auth.echoes(failure.Err.Error()) {
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
		return nil, tooLarge(a.limit)
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
	body, err := io.ReadAll(io.LimitReader(zr, int64(a.limit)+1))
	switch {
	case err != nil:
		return nil, errors.New("the body is corrupt gzip")
	case len(body) > a.limit:
		return nil, tooLarge(a.limit)
	}
	return body, nil
}
