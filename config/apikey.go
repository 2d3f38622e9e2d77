package config

import (
	"errors"
	"strings"
	"unicode"
)

// maxKeySize is far more than a key needs, and small enough to read in every scrape.
const maxKeySize = 64 << 10

// APIKey is the source of a programmatic API key: for each half, either the text or
// the file is set. File names are absolute.
type APIKey struct {
	PublicKey      Secret
	PublicKeyFile  string
	PrivateKey     Secret
	PrivateKeyFile string
}

// sources returns the files, public key first.
func (k *APIKey) sources() []source {
	var all []source
	if k.PublicKeyFile != "" {
		all = append(all, source{"public_key_file", k.PublicKeyFile, maxKeySize})
	}
	if k.PrivateKeyFile != "" {
		all = append(all, source{"private_key_file", k.PrivateKeyFile, maxKeySize})
	}
	return all
}

// Read reads the files and returns the current key. It fails if a file changes while
// it is read, so both halves come from before or both from after a change. Errors
// name the file and the fix, never the content. Read keeps no state and is safe for
// concurrent use.
func (k *APIKey) Read() (KeyPair, error) {
	pair := KeyPair{Public: k.PublicKey, Private: k.PrivateKey}
	sources := k.sources()
	texts, err := readTogether(sources)
	if err != nil {
		return KeyPair{}, err
	}
	for i, text := range texts {
		key, err := cleanKey(string(text))
		if err != nil {
			return KeyPair{}, sources[i].wrap(err)
		}
		if sources[i].setting == "public_key_file" {
			pair.Public = key
		} else {
			pair.Private = key
		}
	}
	return pair, nil
}

var (
	errKeyEmpty   = errors.New("is empty: it must contain the key")
	errKeyLines   = errors.New("has more than one line: it must contain only the key, on a single line")
	errKeyControl = errors.New("contains control characters: it must contain only the key, as plain text")
)

// cleanKey strips a byte order mark, one line ending and surrounding spaces from a
// key, and rejects text that cannot be a key. Its errors do not quote the text.
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
