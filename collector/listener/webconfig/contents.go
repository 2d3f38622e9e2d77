package webconfig

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/common/config"
	"github.com/prometheus/exporter-toolkit/web"
)

// contents is the result of one read. It is not modified.
type contents struct {
	*settings
	cert, key, clientCA part
	tls                 *tls.Config // nil without TLS, and if tlsErr is set
	tlsErr              error       // why TLS cannot be served
}

// part is a file that the settings refer to; empty if they do not refer to one.
type part struct {
	text []byte
	err  error
}

func (p part) equal(other part) bool {
	return bytes.Equal(p.text, other.text) && fmt.Sprint(p.err) == fmt.Sprint(other.err)
}

// read reads the file and those that it refers to. It returns before if nothing has
// changed since.
func read(path string, before *contents) *contents {
	text, err := readFile(path)
	if err != nil {
		return &contents{settings: &settings{err: err}}
	}
	now := &contents{settings: before.settings}
	if now.text == nil || !bytes.Equal(text, now.text) {
		now.settings = newSettings(path, text)
	}
	if now.err != nil || !now.web.TLSConfig.IsEnabled() {
		return now
	}
	names := &now.web.TLSConfig
	now.cert = readPart("cert_file", names.TLSCertPath)
	now.key = readPart("key_file", names.TLSKeyPath)
	now.clientCA = readPart("client_ca_file", names.ClientCAs)
	if now.settings == before.settings && now.cert.equal(before.cert) && now.key.equal(before.key) && now.clientCA.equal(before.clientCA) {
		return before
	}
	now.tls, now.tlsErr = now.tlsConfig()
	return now
}

func readPart(setting, path string) part {
	if path == "" {
		return part{}
	}
	text, err := readFile(path)
	if err != nil {
		err = fmt.Errorf("tls_server_config.%s %q: %w", setting, path, err)
	}
	return part{text, err}
}

// tlsConfig makes exporter-toolkit create the TLS configuration from the contents, so
// that handshakes do not read files.
func (c *contents) tlsConfig() (*tls.Config, error) {
	if err := errors.Join(c.cert.err, c.key.err, c.clientCA.err); err != nil {
		return nil, err
	}
	t := c.web.TLSConfig
	cert, key, clientCA := "cert", "key", "client_ca"
	if t.TLSCertPath != "" {
		cert, t.TLSCert = fmt.Sprintf("cert_file %q", t.TLSCertPath), string(c.cert.text)
	}
	if t.TLSKeyPath != "" {
		key, t.TLSKey = fmt.Sprintf("key_file %q", t.TLSKeyPath), config.Secret(c.key.text)
	}
	if t.ClientCAs != "" {
		clientCA, t.ClientCAsText = fmt.Sprintf("client_ca_file %q", t.ClientCAs), string(c.clientCA.text)
	}
	switch {
	case t.TLSCertPath == "" && t.TLSCert == "":
		return nil, errors.New("tls_server_config: has no certificate: set cert_file")
	case t.TLSKeyPath == "" && t.TLSKey == "":
		return nil, errors.New("tls_server_config: has no key: set key_file")
	case (t.ClientCAs != "" || t.ClientCAsText != "") && !x509.NewCertPool().AppendCertsFromPEM([]byte(t.ClientCAsText)):
		return nil, fmt.Errorf("tls_server_config.%s: contains no certificate: it must be the clients' CA in PEM format", clientCA)
	}
	pair, err := tls.X509KeyPair([]byte(t.TLSCert), []byte(t.TLSKey))
	if err != nil {
		return nil, fmt.Errorf("tls_server_config.%s and %s: %w: they must be a certificate and its unencrypted key in PEM format", cert, key, err)
	}
	t.TLSCertPath, t.TLSKeyPath, t.ClientCAs = "", "", ""
	made, err := web.ConfigToTLSConfig(&t)
	if err != nil {
		return nil, fmt.Errorf("tls_server_config: %w", err)
	}
	made.Certificates, made.GetCertificate = []tls.Certificate{pair}, nil // GetCertificate would parse the certificate for every handshake
	// Resumed sessions do not request the client certificate again.
	made.SessionTicketsDisabled = made.ClientAuth != tls.NoClientCert
	made.NextProtos = []string{"http/1.1"}
	if c.web.HTTPConfig.HTTP2 {
		made.NextProtos = []string{"h2", "http/1.1"}
		if lacksHTTP2Cipher(made) {
			return nil, errors.New("tls_server_config.cipher_suites: HTTP/2 requires TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: add it, or set http_server_config.http2 to false")
		}
	}
	return made, nil
}

// lacksHTTP2Cipher reports whether net/http would reject HTTP/2 after the handshake
// (RFC 9113, section 9.2.2).
func lacksHTTP2Cipher(c *tls.Config) bool {
	return len(c.CipherSuites) > 0 && c.MinVersion < tls.VersionTLS13 &&
		!slices.Contains(c.CipherSuites, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) &&
		!slices.Contains(c.CipherSuites, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
}
