package config

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is shown instead of every secret.
const hidden = "<secret>"

// Secret is text that is never shown: printing or encoding it yields "<secret>", or
// "" if it is empty. Only [Secret.Reveal] returns the text. The zero value is the
// empty secret. A Secret is immutable and safe for concurrent use. Compare secrets
// with [Secret.Equal], because == compares pointers.
type Secret struct {
	// A pointer, because fmt cannot call the methods of a Secret in an unexported
	// field: it prints only the address of a pointer.
	value *string
}

// NewSecret returns a Secret that holds s.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: &s}
}

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal reports whether s and o hold the same text.
func (s Secret) Equal(o Secret) bool { return s.Reveal() == o.Reveal() }

// String returns "<secret>", or "" for the empty secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format implements [fmt.Formatter], so that no verb reaches the text.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements [encoding.TextMarshaler], which encoding/json uses too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML implements the Marshaler interface of the YAML library.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
