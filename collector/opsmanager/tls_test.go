package opsmanager_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
)

func TestReasonsOfTLS(t *testing.T) {
	ca := authority.New(t)
	const (
		bad       = "tls: failed to verify certificate: x509: "
		untrusted = "the server's certificate is signed by an authority that is not trusted"
		otherName = "the server's certificate is for another name"
	)
	for name, tt := range map[string]struct {
		server *tls.Config
		client *tls.Config
		text   string
	}{
		"unknown CA":    {ca.Server(t), authority.New(t).Trust(), untrusted},
		"no CA":         {ca.Server(t), &tls.Config{RootCAs: x509.NewCertPool()}, untrusted},
		"wrong address": {ca.Server(t, authority.Elsewhere), ca.Trust(), otherName},
		"wrong name":    {ca.Server(t), &tls.Config{RootCAs: ca.Pool(), ServerName: "om.example"}, otherName},
		"name that repeats the key": {
			ca.Server(t, authority.DNS(testPublic)),
			&tls.Config{RootCAs: ca.Pool(), ServerName: "om.example"}, otherName,
		},
		"expired":       {ca.Server(t, authority.Expired), ca.Trust(), bad + "certificate has expired or is not yet valid: "},
		"not yet valid": {ca.Server(t, authority.NotYetValid), ca.Trust(), bad + "certificate has expired or is not yet valid: "},
		"only TLS 1.0": {func() *tls.Config {
			c := ca.Server(t)
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
			return c
		}(), ca.Trust(), "remote error: tls: protocol version not supported"},
		"only TLS 1.3": {func() *tls.Config {
			c := ca.Server(t)
			c.MinVersion = tls.VersionTLS13
			return c
		}(), &tls.Config{RootCAs: ca.Pool(), MaxVersion: tls.VersionTLS12}, "remote error: tls: protocol version not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, simulator.Options{TLS: tt.server}, simulator.Org{})
			r := newRig(t, s.URL(), nil)
			r.SetTLS(tt.client)
			status, err := r.poll(t)
			if err != nil { // the rest of these texts contains the time
				if i := strings.Index(err.Error(), "not yet valid: "); i >= 0 {
					tt.text += err.Error()[i+len("not yet valid: "):]
				}
			}
			failure{opsmanager.ReasonTLS, 0, "", tt.text}.check(t, status, err)
			if n := s.Counts().Requests; n != 0 {
				t.Errorf("the server saw %d requests", n)
			}
		})
	}
}

// With TLS 1.3 the server rejects the client's certificate after the client has completed
// its handshake and may have sent the request.
func TestClientCertificateDemanded(t *testing.T) {
	ca := authority.New(t)
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			server := ca.Demand(ca.Server(t))
			server.MinVersion, server.MaxVersion = version, version
			s := simulate(t, simulator.Options{TLS: server}, simulator.Org{})
			text := "remote error: tls: certificate required"
			if version == tls.VersionTLS12 {
				text = "remote error: tls: handshake failure"
			}
			r := newRig(t, s.URL(), nil)
			r.SetTLS(ca.Trust())
			for range 50 {
				status, err := r.poll(t)
				failure{opsmanager.ReasonTLS, 0, "", text}.check(t, status, err)
			}
			withCertificate := ca.Server(t, authority.Client)
			withCertificate.RootCAs = ca.Pool()
			r.SetTLS(withCertificate)
			r.synced(t)
		})
	}
}

func TestNotTLS(t *testing.T) {
	const notTLS = "tls: first record does not look like a TLS handshake"
	for name, tt := range map[string]struct {
		answer string
		reason opsmanager.Reason
		text   string
	}{
		"plain HTTP":       {"HTTP/1.1 400 Bad Request\r\n\r\n", opsmanager.ReasonTLS, notTLS},
		"garbage":          {"SSH-2.0-OpenSSH_9.9\r\n", opsmanager.ReasonTLS, notTLS},
		"unknown alert":    {"\x15\x03\x03\x00\x02\x02\xff", opsmanager.ReasonTLS, "remote error: tls: alert(255)"},
		"closed":           {"", opsmanager.ReasonConnect, "EOF"},
		"cut in a record":  {"\x16\x03\x03\x01\x00\x02", opsmanager.ReasonConnect, "unexpected EOF"},
		"unknown message":  {"\x16\x03\x03\x00\x05\x63\x00\x00\x01\x00", opsmanager.ReasonTLS, "local error: tls: unexpected message"},
		"broken handshake": {"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00", opsmanager.ReasonTLS, "local error: tls: error decoding message"},
	} {
		t.Run(name, func(t *testing.T) {
			address := listen(t, func(c net.Conn, _ int) {
				_, _ = c.Read(make([]byte, 4096)) // the client's first message
				_, _ = c.Write([]byte(tt.answer))
			})
			r := newRig(t, "https://"+address, nil)
			status, err := r.poll(t)
			failure{tt.reason, 0, "", tt.text}.check(t, status, err)
		})
	}
	t.Run("reset", func(t *testing.T) {
		address := listen(t, func(c net.Conn, _ int) {
			_, _ = c.Read(make([]byte, 4096))
			reset(c)
		})
		status, err := newRig(t, "https://"+address, nil).poll(t)
		failure{opsmanager.ReasonConnect, 0, "", "read tcp ADDRESS->ADDRESS: read: connection reset by peer"}.check(t, status, err)
	})
	t.Run("HTTP on the TLS port", func(t *testing.T) {
		s := simulate(t, simulator.Options{TLS: authority.New(t).Server(t)}, simulator.Org{})
		status, err := newRig(t, strings.Replace(s.URL(), "https", "http", 1), nil).poll(t)
		failure{opsmanager.ReasonBadResponse, 400, "", "HTTP 400"}.check(t, status, err)
	})
}

func TestSetTLS(t *testing.T) {
	ca := authority.New(t)
	s := simulate(t, simulator.Options{TLS: ca.Server(t)}, simulator.Org{})
	r := newRig(t, s.URL(), nil)
	r.SetTLS(ca.Trust())
	r.synced(t)
	r.SetTLS(authority.New(t).Trust())
	if _, err := r.poll(t); opsmanager.ReasonOf(err) != opsmanager.ReasonTLS {
		t.Errorf("got %v with another CA", err)
	}
	r.SetTLS(ca.Trust())
	r.synced(t)
	if n := s.Counts().Requests; n != 3 {
		t.Errorf("got %d requests, want 3: SetTLS keeps the nonce", n)
	}
}

// httptestTLS starts a server with a certificate issued by ca.
func httptestTLS(t testing.TB, ca *authority.Authority, handler http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.TLS = ca.Server(t)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

func insecure() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true}
}
