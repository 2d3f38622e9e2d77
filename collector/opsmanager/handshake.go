package opsmanager

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"regexp"
	"strings"
)

// noProtocol is the text of the TLS alert of a server that supports none of the
// offered protocols (RFC 7301, section 3.2).
var noProtocol = tls.AlertError(120).Error()

const noHTTP1 = "the server does not offer HTTP/1.1"

// alertError returns the error to show for a TLS alert.
func alertError(op *net.OpError) error {
	if op.Err != nil && op.Err.Error() == noProtocol {
		return &handshakeError{noHTTP1, op}
	}
	return op
}

// withoutNames removes text chosen by the server from a handshake error: certificates
// contain free text, and any server can send one.
func withoutNames(err error) error {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return &handshakeError{"the server's certificate is for another name", err}
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return &handshakeError{"the server's certificate is signed by an authority that is not trusted", err}
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return &handshakeError{"tls: failed to verify certificate: " + invalidity(e), err}
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return e
	}
	switch text := err.Error(); {
	case unsupportedVersion.MatchString(text):
		return err
	case strings.HasPrefix(text, "tls: failed to parse certificate from server: "):
		return &handshakeError{"the server's certificate is malformed", err}
	}
	return &handshakeError{"the TLS handshake failed", err}
}

// unsupportedVersion matches an error of crypto/tls that has no type.
var unsupportedVersion = regexp.MustCompile(`^tls: server selected unsupported protocol version [0-9a-f]{1,4}$`)

// invalidity returns the text of an error without details from a certificate.
func invalidity(e x509.CertificateInvalidError) string {
	if e.Reason == x509.Expired && strings.HasPrefix(e.Detail, "current time ") {
		return e.Error()
	}
	return strings.TrimSuffix(x509.CertificateInvalidError{Reason: e.Reason}.Error(), ": ")
}

// handshakeError is a TLS handshake error with a text that is safe to show.
type handshakeError struct {
	text string
	err  error
}

// Error implements error.
func (e *handshakeError) Error() string { return e.text }

// Unwrap returns the error of package tls or x509.
func (e *handshakeError) Unwrap() error { return e.err }
