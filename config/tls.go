package config

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v4"
)

// maxCertSize is large enough for the CA bundle of an operating system.
const maxCertSize = 1 << 20

// TLS holds the TLS settings of an Ops Manager. The zero value trusts the CAs of
// the system and presents no client certificate. A TLS is immutable.
type TLS struct {
	// A pointer to a pointer, because fmt may follow a single pointer where it cannot
	// call methods and the verb is wrong. Of this one it prints only the address.
	config **promconfig.TLSConfig
}

func newTLS(c *promconfig.TLSConfig) TLS { return TLS{config: &c} }

// settings returns a copy of the settings.
func (t TLS) settings() promconfig.TLSConfig {
	if t.config == nil {
		return promconfig.TLSConfig{}
	}
	return **t.config
}

// TLSMaterial is what [TLS.Read] returns.
type TLSMaterial struct {
	// Config is owned by the caller. It reads no file during a handshake.
	Config *tls.Config
	// Fingerprint differs if and only if the CA, the certificate or the key differs.
	Fingerprint [sha256.Size]byte
}

// sources returns the files, the certificate before its key.
func (t TLS) sources() []source {
	var all []source
	c := t.settings()
	for _, s := range []source{
		{"ca_file", c.CAFile, maxCertSize},
		{"cert_file", c.CertFile, maxCertSize},
		{"key_file", c.KeyFile, maxCertSize},
	} {
		if s.path != "" {
			all = append(all, s)
		}
	}
	return all
}

// Read reads the files and returns the current TLS configuration. It fails if a file
// changes while it is read, or if any part of its PEM text cannot be used. Errors name
// the file and the fix, never the content. Read keeps no state and is safe for
// concurrent use.
func (t TLS) Read() (*TLSMaterial, error) {
	c := t.settings()
	sources := t.sources()
	texts, err := readTogether(sources)
	if err != nil {
		return nil, err
	}
	names := map[string]string{"ca": "ca", "cert": "cert", "key": "key"}
	for i, s := range sources {
		text := string(texts[i])
		if strings.TrimSpace(text) == "" {
			return nil, s.wrap(errPEMEmpty)
		}
		// With text instead of file names, a handshake reads no file.
		switch s.setting {
		case "ca_file":
			c.CA, c.CAFile = text, ""
		case "cert_file":
			c.Cert, c.CertFile = text, ""
		case "key_file":
			c.Key, c.KeyFile = promconfig.Secret(text), ""
		}
		names[strings.TrimSuffix(s.setting, "_file")] = fmt.Sprintf("%s %q", s.setting, s.path)
	}
	if err := normalizePEM(&c, names); err != nil {
		return nil, err
	}
	config, err := promconfig.NewTLSConfig(&c)
	if err != nil {
		// The PEM text was checked above, so err does not quote it.
		return nil, fmt.Errorf("tls_config cannot be used: %w", err)
	}
	return &TLSMaterial{Config: config, Fingerprint: fingerprint(c.CA, c.Cert, string(c.Key))}, nil
}

var errPEMEmpty = errors.New("is empty: it must contain PEM text")

// normalizePEM reduces each PEM text to the parts that are used. Its errors quote
// nothing, unlike those of crypto/tls, which list other blocks of the text.
func normalizePEM(c *promconfig.TLSConfig, names map[string]string) error {
	key := string(c.Key)
	for _, part := range []struct {
		setting, kind string
		text          *string
		parse         func(string) (string, error)
	}{
		{"ca", "CA certificate", &c.CA, certificates},
		{"cert", "certificate", &c.Cert, certificates},
		{"key", "private key", &key, privateKey},
	} {
		if *part.text == "" {
			continue
		}
		used, err := part.parse(*part.text)
		if err != nil {
			return fmt.Errorf("%s: %w", names[part.setting], err)
		}
		if used == "" {
			return fmt.Errorf("%s: contains no %s: add one in PEM format", names[part.setting], part.kind)
		}
		*part.text = used
	}
	c.Key = promconfig.Secret(key)
	if c.Cert == "" {
		return nil
	}
	if _, err := tls.X509KeyPair([]byte(c.Cert), []byte(key)); err != nil {
		return fmt.Errorf("%s and %s: are not a certificate and its private key: replace both together", names["cert"], names["key"])
	}
	return nil
}

// fingerprint hashes the texts with their lengths, so that moving text from one to
// the next changes it.
func fingerprint(texts ...string) [sha256.Size]byte {
	var b []byte
	for _, text := range texts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

// MarshalYAML returns the tls_config mapping without the inline key, or nil for the
// zero value.
func (t TLS) MarshalYAML() (any, error) {
	if t.config == nil {
		return nil, nil
	}
	c := t.settings()
	if c.Key != "" {
		c.Key = hidden
	}
	return c, nil
}

// String returns the tls_config mapping as YAML, without the inline key.
func (t TLS) String() string {
	if t.config == nil {
		return ""
	}
	text, err := yaml.Marshal(t)
	if err != nil {
		return "tls_config"
	}
	return string(text)
}
