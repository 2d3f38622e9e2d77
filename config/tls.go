package config

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v4"
)

// maxCertSize has room for the CA bundle of an operating system.
const maxCertSize = 1 << 20

// TLS says how to speak TLS with an Ops Manager. The zero value trusts the CAs
// of the system and shows no client certificate. It is immutable.
type TLS struct {
	// A pointer to a pointer, because fmt follows one where it can call no method
	// and dislikes the verb: what it prints of this one is an address.
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

// TLSMaterial is what [TLS.Read] found.
type TLSMaterial struct {
	// Config is the caller's, and reads no file during a handshake.
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

// Read returns the TLS configuration as it is now: its files are read each
// time. If one changes while Read runs it returns an error. Errors name the
// file and what to do, never the content. Read keeps no state and is safe for
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
			return nil, s.wrap(errors.New("is empty: write the PEM text into it"))
		}
		// With the text in place of the file nothing is read during a handshake.
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
	if err := checkPEM(&c, names); err != nil {
		return nil, err
	}
	config, err := promconfig.NewTLSConfig(&c)
	if err != nil {
		// Everything that it could say about the texts was checked before.
		return nil, fmt.Errorf("tls_config cannot be used: %w", err)
	}
	return &TLSMaterial{Config: config, Fingerprint: fingerprint(c.CA, c.Cert, string(c.Key))}, nil
}

// checkPEM finds what is wrong with the texts in words that quote none of them,
// unlike those of crypto/tls, which list what else they saw.
func checkPEM(c *promconfig.TLSConfig, names map[string]string) error {
	if c.CA != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(c.CA)) {
		return fmt.Errorf("%s: holds no CA certificate: write it there in PEM format", names["ca"])
	}
	if c.Cert == "" {
		return nil
	}
	if !hasPEM(c.Cert, "CERTIFICATE") {
		return fmt.Errorf("%s: holds no certificate: write it there in PEM format", names["cert"])
	}
	if !hasPEM(string(c.Key), "PRIVATE KEY") {
		return fmt.Errorf("%s: holds no private key: write it there in PEM format, not encrypted", names["key"])
	}
	if _, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key)); err != nil {
		return fmt.Errorf("%s and %s: are not a certificate and its private key: replace both together", names["cert"], names["key"])
	}
	return nil
}

func hasPEM(text, suffix string) bool {
	rest := []byte(text)
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, suffix) && block.Type != "ENCRYPTED PRIVATE KEY" {
			return true
		}
	}
}

// fingerprint hashes the texts with their lengths, so that moving a part from
// one to the next changes it.
func fingerprint(texts ...string) [sha256.Size]byte {
	var b []byte
	for _, text := range texts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return sha256.Sum256(b)
}

// MarshalYAML returns the tls_config mapping without the inline key; nil for
// the zero value.
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
