package opsmanager

import (
	"context"
	"net/http"
	"time"

	"github.com/icholy/digest"

	"opsmanager_exporter/config"
)

// MaxBody is how many bytes a body may have.
const MaxBody = maxBody

// What fuzz tests and benchmarks call without a server.
var (
	FindChallenge = findChallenge
	ParseVersion  = parseVersion
)

// ParseStatus returns the status in a body, "" for none.
func ParseStatus(body []byte) Status {
	status, _ := parseStatus(body)
	return status
}

// StatusOf returns the status that an answer tells.
func StatusOf(code int, header http.Header, body []byte, key config.KeyPair) (Status, error) {
	a := &answer{code: code, header: header, body: body}
	if len(body) > maxBody {
		a.body, a.tooLarge = body[:maxBody], true
	}
	return a.status(context.Background(), key)
}

// Authorizer returns a function that answers one challenge again and again.
func Authorizer(key config.KeyPair, chal *digest.Challenge) (func(method, uri string) (string, error), error) {
	s := NewSessions().of("http://localhost:80", key)
	n, err := s.nonceFrom(http.Header{"Www-Authenticate": {chal.String()}})
	if err != nil {
		return nil, err
	}
	return func(method, uri string) (string, error) { return s.authorization(n, method, uri) }, nil
}

// SetNow replaces the clock that nonces age by.
func (s *Sessions) SetNow(now func() time.Time) { s.now = now }
