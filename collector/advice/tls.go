package advice

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"opsmanager_exporter/collector/text"
)

func (t *trouble) tls() Advice {
	if _, ok := errors.AsType[*FileError](t.err.Err); ok {
		return Advice{t.text(), fixFile}
	}
	peer, setting := t.peer()
	err := t.err.Err
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return t.untrusted(peer, e.Cert)
	}
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		return t.wrongName(peer, setting, e)
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired && e.Cert != nil {
		return t.wrongTime(peer, e.Cert)
	}
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return t.notTLS(peer, setting, e)
	}
	if strings.HasSuffix(t.text(), "the server does not offer HTTP/1.1") {
		return Advice{peer + " does not offer HTTP/1.1", "Configure the load balancer or gateway in front of Ops Manager to offer HTTP/1.1 (ALPN http/1.1) in addition to HTTP/2."}
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return t.alert(peer, setting, strings.TrimPrefix(text.Printable(op.Err.Error()), "tls: "))
	}
	if strings.Contains(t.text(), "unsupported protocol version") {
		return t.noVersion(peer)
	}
	return t.usual()
}

// quote quotes text from a certificate. The server controls that text and could
// even repeat an API key that it received.
func (t *trouble) quote(s string) string {
	shown := text.Printable(s)
	if t.err.Echoes(shown) {
		return fmt.Sprintf("(hidden because it contains the %s)", t.Key.Kind)
	}
	for _, half := range []string{t.Key.Public.Reveal(), t.Key.Private.Reveal()} {
		if half != "" && strings.Contains(strings.ToLower(shown), strings.ToLower(half)) {
			return fmt.Sprintf("(hidden because it contains the %s)", t.Key.Kind)
		}
	}
	return `"` + text.Shortened(shown) + `"`
}

func (t *trouble) untrusted(peer string, cert *x509.Certificate) Advice {
	trust := func(certificate string) string {
		if t.TLS != nil && t.TLS.RootCAs != nil {
			return fmt.Sprintf("add %s, in PEM format, to the CA certificates in %s.", certificate, t.setting("tls_config"))
		}
		return fmt.Sprintf("set ca_file in %s to a PEM file with %s.", t.setting("tls_config"), certificate)
	}
	problem := fmt.Sprintf("the certificate of %s is not trusted", peer)
	switch {
	case cert == nil:
		return Advice{problem, "If this is the right server, " + trust("the certificate of the CA that signed it")}
	case cert.Subject.String() == cert.Issuer.String() && isServers(cert, t.err.Err):
		return Advice{problem + ": it is self-signed by " + t.quote(cert.Issuer.String()), "If this is the right server, " + trust("this certificate")}
	}
	return Advice{
		Problem: fmt.Sprintf("%s: its issuer %s is not a trusted CA", problem, t.quote(cert.Issuer.String())),
		Fix: "If this is the right server, " + trust("the certificate of that CA") +
			" If that is an intermediate CA whose root is already trusted, configure the server to send the intermediate certificate instead.",
	}
}

// isServers reports whether a certificate is the server's own rather than that of
// a CA in the chain it sent.
func isServers(cert *x509.Certificate, err error) bool {
	e, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok && len(e.UnverifiedCertificates) > 0 && e.UnverifiedCertificates[0].Equal(cert)
}

func (t *trouble) wrongName(peer, setting string, e x509.HostnameError) Advice {
	var names []string
	if e.Certificate != nil {
		for _, name := range e.Certificate.DNSNames {
			names = append(names, t.quote(name))
		}
		for _, ip := range e.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
	}
	problem := fmt.Sprintf("the certificate of %s is not valid for %q", peer, e.Host)
	if len(names) == 0 {
		return Advice{
			Problem: problem + ": it has no subject alternative names, and its common name is ignored",
			Fix:     fmt.Sprintf("Have the certificate reissued with %q as a subject alternative name.", e.Host),
		}
	}
	return Advice{
		Problem: problem + ", only for " + text.Few(names),
		Fix:     fmt.Sprintf("Use one of these names in %s or, if this is the right server, set server_name in %s to one of them.", setting, t.setting("tls_config")),
	}
}

func (t *trouble) wrongTime(peer string, cert *x509.Certificate) Advice {
	// In minutes and not in the fix: organizations with the same fix are shown together.
	clock := "the clock of the exporter's host reads " + t.At.UTC().Format("2006-01-02 15:04") + " UTC"
	if t.At.Before(cert.NotBefore) {
		return Advice{
			Problem: fmt.Sprintf("the certificate of %s is not valid before %s UTC; %s", peer, cert.NotBefore.UTC().Format(time.DateTime), clock),
			Fix:     "If that clock is wrong, correct it; otherwise, replace the certificate.",
		}
	}
	return Advice{
		Problem: fmt.Sprintf("a certificate of %s expired at %s UTC; %s", peer, cert.NotAfter.UTC().Format(time.DateTime), clock),
		Fix:     "Renew the server's certificate or, if that clock is wrong, correct it.",
	}
}

func (t *trouble) notTLS(peer, setting string, e tls.RecordHeaderError) Advice {
	if string(e.RecordHeader[:]) == "HTTP/" {
		return Advice{
			Problem: peer + " speaks plain HTTP, not TLS",
			Fix:     fmt.Sprintf("Use the HTTPS port in %s. If there is none, use http://, but then the status can be read and forged in transit.", setting),
		}
	}
	return Advice{peer + " does not speak TLS", fmt.Sprintf("Correct the port in %s.", setting)}
}

// alert explains the TLS alert with which the peer aborted the handshake.
func (t *trouble) alert(peer, setting, text string) Advice {
	tlsSettings := t.setting("tls_config")
	hasCertificate := t.TLS != nil && (t.TLS.GetClientCertificate != nil || len(t.TLS.Certificates) > 0)
	switch {
	case !hasCertificate && text == "certificate required":
		return Advice{
			Problem: peer + " requires a client certificate",
			Fix:     fmt.Sprintf("Set cert_file and key_file in %s.", tlsSettings),
		}
	case hasCertificate && (strings.Contains(text, "certificate") || text == "access denied"):
		return Advice{
			Problem: fmt.Sprintf("%s rejected the client certificate: %s", peer, text),
			Fix:     fmt.Sprintf("Check that the certificate in cert_file of %s is valid, intended for client authentication, and signed by a CA that the server trusts.", tlsSettings),
		}
	case text == "protocol version not supported":
		return t.noVersion(peer)
	case text == "unrecognized name":
		return Advice{
			Problem: peer + " does not recognize the requested server name",
			Fix:     fmt.Sprintf("Correct the host name in %s, or server_name in %s.", setting, tlsSettings),
		}
	}
	return Advice{
		Problem: fmt.Sprintf("%s aborted the TLS handshake: %s", peer, text),
		Fix:     fmt.Sprintf("Check the log of the server: it may require a client certificate (cert_file and key_file in %s), or support none of the TLS versions (min_version, max_version) or cipher suites that the exporter offers.", tlsSettings),
	}
}

func (t *trouble) noVersion(peer string) Advice {
	return Advice{
		Problem: peer + " supports none of the TLS versions that the exporter offers",
		Fix:     fmt.Sprintf("Enable TLS 1.2 or later on the server, or correct min_version and max_version in %s.", t.setting("tls_config")),
	}
}
