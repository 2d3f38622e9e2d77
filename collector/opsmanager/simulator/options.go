package simulator

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

const (
	defaultAddress  = "127.0.0.1:0"
	defaultVersion  = "gitHash=0123456789abcdef0123456789abcdef01234567; versionString=8.0.14.500.20250917T0000Z"
	defaultLifetime = time.Minute
	defaultUses     = 1024
)

// Options describes a simulated Ops Manager. The zero value is an Ops Manager
// 8.0 with its usual challenge, on a free port of 127.0.0.1, over plain HTTP.
type Options struct {
	// Address is what to listen on, as host:port with a loopback IP address as
	// host. Anything else is refused: the simulator is not to be reached from
	// other machines. The default is 127.0.0.1:0.
	Address string
	// TLS makes the server speak HTTPS with this configuration, which must
	// hold a certificate. The server works on a copy.
	TLS *tls.Config
	// PathPrefix is the path below which everything is served, such as /om:
	// it starts with a slash and does not end with one.
	PathPrefix string
	// Version is the value of X-MongoDB-Service-Version.
	Version   string
	Nonce     Nonce
	Challenge Challenge
	Limit     Limit
	// Beside makes the server one more of the same Ops Manager, as a balancer has
	// behind it: organizations, keys, counts and limits are those of the other,
	// nonces and connections its own. Both must have the same algorithm.
	Beside *Server
	// Now tells the age of nonces and windows. The default is time.Now. It is
	// called by several goroutines at once.
	Now func() time.Time
	// OnStatus is called just before a complete 200 answer with a readable
	// status is written, by the goroutine that writes it: by several at once
	// when requests are answered at once. Broken and unasked enveloped
	// answers do not call it.
	OnStatus func(orgID, status string)
}

// Nonce says how long nonces serve. The zero value is what Jetty's
// DigestAuthenticator does unless it is configured otherwise.
type Nonce struct {
	// Lifetime is the age, counted from the challenge, up to which a nonce
	// serves. The default is 60 s.
	Lifetime time.Duration
	// Uses is the first nonce count that is too high, 1024 by default: a
	// client that counts from 1 can use a nonce Uses-1 times, as with Jetty.
	// A value of 1 would refuse every request and is not accepted.
	Uses int
	// OneTime forgets a nonce at its first use.
	OneTime bool
	// StrictCount refuses a nonce count that is not above all those seen
	// before with the nonce. Jetty takes them in any order.
	StrictCount bool
	// BackEnds above 1 hands requests round robin to as many servers that do
	// not know each other's nonces. A client that sends one request at a time
	// and answers each challenge with its own nonce then never gets in.
	BackEnds int
	// PerConnection hands out connections instead of requests, as a balancer
	// below HTTP does.
	PerConnection bool
	// AlwaysStale answers every digest response with stale=true.
	AlwaysStale bool
	// UnknownRefused answers with stale=false where a nonce is not known: another
	// server's, one that is too old, one of another session. Jetty says stale=true.
	UnknownRefused bool
	// Session binds each nonce to a session, which a cookie that comes with the
	// challenge names: without it the nonce is not known. Who brings the cookie of
	// a session gets a nonce of that session, and no further cookie.
	Session bool
}

// Limit is how many requests an API key has. The zero value is no limit.
type Limit struct {
	// Requests is how many authenticated requests of a key are answered in a
	// window. The rest gets 429 RATE_LIMITED.
	Requests int
	// Window begins with a request and is one minute by default.
	Window time.Duration
	// RetryAfter says in a Retry-After when the window ends.
	RetryAfter bool
}

// Challenge says what the 401 answer that asks for a digest looks like. The
// zero value is the challenge of Ops Manager.
type Challenge struct {
	// OpMisprint writes op="auth" instead of qop="auth", as the reference
	// documentation does. Ops Manager itself writes qop.
	OpMisprint bool
	// Charset adds charset=UTF-8 (RFC 7616, section 3.3).
	Charset bool
	// WithBasic puts a Basic challenge in a header line of its own before the
	// digest challenge. Basic credentials are never accepted.
	WithBasic bool
	// OneLine puts a Basic and the digest challenge into one header line.
	OneLine bool
	// Algorithm is MD5, the default, or SHA-256.
	Algorithm string
	// EmptyBody leaves out the body and its content type.
	EmptyBody bool
	// CloudManagerBody writes the body as Cloud Manager does: error first.
	CloudManagerBody bool
	// Lines overrides the WWW-Authenticate lines. The nonce it is given is
	// fresh and counts as issued. It is called by several goroutines at once.
	Lines func(nonce string, stale bool) []string
}

// completed returns o with the defaults filled in, or what is wrong with it.
func (o Options) completed() (Options, error) {
	if o.Address == "" {
		o.Address = defaultAddress
	}
	if o.Version == "" {
		o.Version = defaultVersion
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Nonce.Lifetime == 0 {
		o.Nonce.Lifetime = defaultLifetime
	}
	if o.Nonce.Uses == 0 {
		o.Nonce.Uses = defaultUses
	}
	if o.Nonce.BackEnds == 0 {
		o.Nonce.BackEnds = 1
	}
	if o.Limit.Window == 0 {
		o.Limit.Window = time.Minute
	}
	if o.Challenge.Algorithm == "" {
		o.Challenge.Algorithm = algorithmMD5
	}
	return o, o.validate()
}

func (o Options) validate() error {
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return fmt.Errorf("simulator address: %w", err)
	}
	// Names are refused too, localhost included: what they resolve to is not
	// in our hands.
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
		return fmt.Errorf("simulator address %q: the host must be a loopback IP address such as 127.0.0.1", o.Address)
	}
	if p := o.PathPrefix; p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/")) {
		return fmt.Errorf("simulator path prefix %q: it must start with a slash and not end with one", p)
	}
	if t := o.TLS; t != nil && len(t.Certificates) == 0 && t.GetCertificate == nil && t.GetConfigForClient == nil {
		return errors.New("simulator TLS: the configuration must hold a certificate")
	}
	if o.Nonce.Lifetime < 0 || o.Nonce.Uses < 2 || o.Nonce.BackEnds < 0 {
		return errors.New("simulator nonce: lifetime and back ends must not be negative, uses must be 2 or more")
	}
	if a := o.Challenge.Algorithm; a != algorithmMD5 && a != algorithmSHA256 {
		return fmt.Errorf("simulator algorithm %q: it must be %s or %s", a, algorithmMD5, algorithmSHA256)
	}
	if o.Beside != nil && o.Beside.options.Challenge.Algorithm != o.Challenge.Algorithm {
		return errors.New("simulator algorithm: it must be that of the server beside")
	}
	return nil
}
