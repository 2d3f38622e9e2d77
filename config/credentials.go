package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// maxKeySize is far more than a key needs, and small enough to read in every scrape.
const maxKeySize = 64 << 10

// Kind is a kind of credentials.
type Kind int

// The kinds of credentials.
const (
	// APIKey is a programmatic API key, which is used with digest authentication.
	APIKey Kind = iota
	// ServiceAccount is a service account of Cloud Manager, which is used with OAuth
	// 2.0 client credentials.
	ServiceAccount
)

// String returns the name of the kind.
func (k Kind) String() string {
	if k == ServiceAccount {
		return "service account"
	}
	return "API key"
}

// Setting returns the setting for credentials of the kind.
func (k Kind) Setting() string {
	if k == ServiceAccount {
		return "service_account"
	}
	return "api_key"
}

// Credentials is the source of an API key or service account.
type Credentials struct {
	Kind Kind
	// Public is the source of the public key or of the client ID.
	Public Half
	// Private is the source of the private key or of the client secret.
	Private Half
}

// Half is the source of one half of credentials: either the text or the file is set.
// The file name is absolute.
type Half struct {
	Text Secret
	File string
}

// KeyPair is the value of [Credentials].
type KeyPair struct {
	Kind            Kind
	Public, Private Secret
}

// Equal reports whether k and o are the same credentials.
func (k KeyPair) Equal(o KeyPair) bool {
	return k.Kind == o.Kind && k.Public.Equal(o.Public) && k.Private.Equal(o.Private)
}

// namedHalf is a half of credentials and what it is called.
type namedHalf struct {
	*Half
	setting string // for the text; with the suffix _file for the file
	what    string // in messages
}

// halves returns the public and the private half.
func (c *Credentials) halves() []namedHalf {
	if c.Kind == ServiceAccount {
		return []namedHalf{{&c.Public, "client_id", "the client ID"}, {&c.Private, "client_secret", "the client secret"}}
	}
	return []namedHalf{{&c.Public, "public_key", "the key"}, {&c.Private, "private_key", "the key"}}
}

// source returns the file of the half, if any.
func (h namedHalf) source() (source, bool) {
	return source{h.setting + "_file", h.File, maxKeySize}, h.File != ""
}

// sources returns the files, that of the public half first.
func (c *Credentials) sources() []source {
	var all []source
	for _, h := range c.halves() {
		if s, ok := h.source(); ok {
			all = append(all, s)
		}
	}
	return all
}

// Read reads the files and returns the current credentials. It fails if a file
// changes while it is read, so both halves come from before or both from after a
// change. Errors name the file and the fix, never the content. Read keeps no state
// and is safe for concurrent use.
func (c *Credentials) Read() (KeyPair, error) {
	texts, err := readTogether(c.sources())
	if err != nil {
		return KeyPair{}, err
	}
	pair := KeyPair{Kind: c.Kind, Public: c.Public.Text, Private: c.Private.Text}
	values := []*Secret{&pair.Public, &pair.Private}
	for i, h := range c.halves() {
		s, ok := h.source()
		if !ok {
			continue
		}
		if *values[i], err = cleanKey(string(texts[0])); err != nil {
			return KeyPair{}, s.wrap(h.explain(err))
		}
		texts = texts[1:]
	}
	return pair, nil
}

// Problems of a text that should be one half of credentials.
var (
	errKeyEmpty   = errors.New("is empty")
	errKeyLines   = errors.New("has more than one line")
	errKeyControl = errors.New("contains control characters")
)

// explain adds the fix to an error of [cleanKey].
func (h namedHalf) explain(err error) error {
	switch {
	case errors.Is(err, errKeyEmpty):
		return fmt.Errorf("%w: it must contain %s", err, h.what)
	case errors.Is(err, errKeyLines):
		return fmt.Errorf("%w: it must contain only %s, on a single line", err, h.what)
	}
	return fmt.Errorf("%w: it must contain only %s, as plain text", err, h.what)
}

// cleanKey strips a byte order mark, one line ending and surrounding spaces from one
// half of credentials, and rejects text that cannot be one. Its errors do not quote
// the text.
func cleanKey(text string) (Secret, error) {
	text = strings.TrimPrefix(text, byteOrderMark)
	if strings.TrimSpace(text) == "" {
		return Secret{}, errKeyEmpty
	}
	text = strings.TrimSuffix(text, "\n")
	text = strings.TrimSuffix(text, "\r")
	if strings.ContainsAny(text, "\r\n") {
		return Secret{}, errKeyLines
	}
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, isUnprintable) {
		return Secret{}, errKeyControl
	}
	return NewSecret(text), nil
}

// isUnprintable reports whether r is not allowed in a single-line value. Text that
// is not UTF-8 yields the replacement character.
func isUnprintable(r rune) bool {
	return unicode.IsControl(r) || r == unicode.ReplacementChar || r == '\u2028' || r == '\u2029' || r == '\ufeff'
}
