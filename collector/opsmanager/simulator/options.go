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

// Options configures a simulated Ops Manager. The zero value is an Ops Manager 8.0 with
// its usual challenge, on a free port of 127.0.0.1, over plain HTTP.
type Options struct {
	// Address is the listen address, host:port with a loopback IP address as host.
	// Any other host is rejected, so that other machines cannot reach the simulator.
	// The default is 127.0.0.1:0.
	Address string
	// TLS enables HTTPS with this configuration, which must contain a certificate.
	// The server uses a copy.
	TLS *tls.Config
	// PathPrefix is the prefix of all paths, such as /om. It starts with a slash and
	// does not end with one.
	PathPrefix string
	// Version is the value of X-MongoDB-Service-Version.
	Version   string
	Nonce     Nonce
	Challenge Challenge
	Limit     Limit
	// Beside adds the server to the Ops Manager of another, as behind a load balancer.
	// They share organizations, keys, accounts, tokens, counts and limits, but not
	// nonces and connections. Both must use the same algorithm.
	Beside *Server
	// Now is the clock for nonces, tokens and windows. The default is time.Now. It is called
	// concurrently.
	Now func() time.Time
	// OnStatus is called concurrently, just before a complete 200 response with a
	// readable status is written, by the goroutine that writes it. It is not called
	// for corrupt responses or unrequested envelopes.
	OnStatus func(orgID, status string)
}

// Nonce configures nonces. The zero value has the defaults of Jetty's
// DigestAuthenticator.
type Nonce struct {
	// Lifetime is the maximum age of a nonce since its challenge. The default is 60 s.
	Lifetime time.Duration
	// Uses is the first nonce count that is too high, 1024 by default: a client that
	// counts from 1 can use a nonce Uses-1 times, as with Jetty. 1 would reject every
	// request and is invalid.
	Uses int
	// OneTime accepts each nonce only once.
	OneTime bool
	// StrictCount rejects a nonce count that is not higher than all earlier counts of
	// the nonce. Jetty accepts any order.
	StrictCount bool
	// BackEnds above 1 distributes requests round robin over that many servers that do
	// not share nonces. A client that sends one request at a time and answers each
	// challenge with its own nonce is then never authenticated.
	BackEnds int
	// PerConnection distributes connections instead of requests, like a TCP load
	// balancer.
	PerConnection bool
	// AlwaysStale rejects every digest response with stale=true.
	AlwaysStale bool
	// UnknownRefused rejects an unknown nonce with stale=false: one of another server
	// or session, or one that has expired. Jetty sends stale=true.
	UnknownRefused bool
	// Session binds each nonce to a session, set by a cookie in the response with the
	// challenge. Without the cookie the nonce is unknown. A request with the cookie of
	// a session gets a nonce of that session, and no new cookie.
	Session bool
}

// Limit is the rate limit of each API key and service account. The zero value means no limit.
type Limit struct {
	// Requests is the maximum number of authenticated API requests of a key in a
	// window. Further requests get 429 RATE_LIMITED. Requests for tokens do not count.
	Requests int
	// Window begins with a request. The default is one minute.
	Window time.Duration
	// RetryAfter adds a Retry-After header with the time until the window ends.
	RetryAfter bool
}

// Challenge configures the 401 with a digest challenge. The zero value is the challenge
// of Ops Manager.
type Challenge struct {
	// OpMisprint writes op="auth" instead of qop="auth", as the API reference does. Ops
	// Manager itself writes qop.
	OpMisprint bool
	// Charset adds charset=UTF-8 (RFC 7616, section 3.3).
	Charset bool
	// WithBasic adds a Basic challenge in a separate header line before the digest
	// challenge. Basic credentials are never accepted.
	WithBasic bool
	// OneLine writes a Basic and the digest challenge into one header line.
	OneLine bool
	// Algorithm is MD5, the default, or SHA-256.
	Algorithm string
	// EmptyBody omits the body and its content type.
	EmptyBody bool
	// CloudManagerBody uses the body of Cloud Manager, where error comes first.
	CloudManagerBody bool
	// Lines overrides the WWW-Authenticate lines. Its nonce is new and counts as
	// issued. It is called concurrently.
	Lines func(nonce string, stale bool) []string
}

// completed returns o with defaults, or an error if o is invalid.
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
	// Names are rejected too, even localhost: they may resolve to any address.
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
