package healthcheck

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/ci"
)

func TestRun(t *testing.T) {
	status := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	secure := func(auth tls.ClientAuthType) *httptest.Server {
		s := httptest.NewUnstartedServer(status(http.StatusOK))
		s.TLS = &tls.Config{ClientAuth: auth}
		s.StartTLS()
		return s
	}
	for name, server := range map[string]*httptest.Server{
		"healthy":            httptest.NewServer(status(http.StatusOK)),
		"password demanded":  httptest.NewServer(status(http.StatusUnauthorized)),
		"server error":       httptest.NewServer(status(http.StatusInternalServerError)),
		"redirect":           httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound)),
		"TLS":                secure(tls.NoClientCert),
		"client certificate": secure(tls.RequireAnyClientCert),
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(server.Close)
			address := server.Listener.Addr().String()
			if err := Run(t.Context(), []string{address}, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRunFails(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	closed.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	go func() {
		if conn, err := mute.Accept(); err == nil {
			_, _ = conn.Write([]byte("SSH-2.0-x\r\n"))
			conn.Close()
		}
	}()
	for name, tt := range map[string]struct{ address, want string }{
		"nothing there":  {address, "health check: no HTTP response from " + address + ": dial tcp " + address + ": connect: connection refused"},
		"not HTTP":       {mute.Addr().String(), "health check: no HTTP response from " + mute.Addr().String()},
		"no port":        {"localhost", `health check: --web.listen-address="localhost": address localhost: missing port in address`},
		"another socket": {"vsock://:x", `health check: --web.listen-address="vsock://:x": strconv.ParseUint`},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Run(t.Context(), []string{tt.address}, ""); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// Every address that the exporter can listen on can be checked.
func TestAddresses(t *testing.T) {
	ci.Long(t) // where vsock is available, a connection to nobody takes 2 s
	for _, tt := range []struct{ listen, ask string }{
		{":0", ":"},
		{"127.0.0.1:0", ":"},
		{"[::1]:0", ":"},
		{"127.0.0.1:0", "127.0.0.1:"},
		{"127.0.0.1:0", "0.0.0.0:"},
		{"[::]:0", "[::]:"},
		{"[::1]:0", "[::1]:"},
		{"localhost:0", "localhost:"},
	} {
		l, err := net.Listen("tcp", tt.listen)
		if err != nil {
			t.Logf("%s: %v", tt.listen, err)
			continue
		}
		server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.NotFoundHandler()}}
		server.Start()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		address := tt.ask + port
		if err := Run(t.Context(), []string{"127.0.0.1:1", address}, ""); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		server.Close()
	}
	// These are not available in tests; the error shows that they are parsed.
	for address, want := range map[string]string{
		"127.0.0.1:gopher":      "dial tcp 127.0.0.1:70: connect: connection refused", // known to Go without /etc/services
		"[fe80::1%lo]:1":        "dial tcp [fe80::1%lo]:1: connect: ",
		"vsock://:4294967294":   "vsock",
		"127.0.0.1:no-such-one": "dial tcp: lookup tcp/no-such-one: ",
	} {
		if err := Run(t.Context(), []string{address}, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
}

// A listener whose handshakes all fail because of its own certificate is unhealthy; one
// that rejects this client is healthy.
func TestHandshakes(t *testing.T) {
	for name, tt := range map[string]struct {
		config *tls.Config
		want   string
	}{
		"no certificate": {
			&tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, errors.New("broken") }},
			"health check: ADDRESS: TLS handshakes fail: its certificate, key or web configuration cannot be used; see its log\n" +
				`--web.config.file="missing.yml": no such file or directory: create it or correct the path`,
		},
		"another version":    {&tls.Config{MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10}, ""},
		"another protocol":   {&tls.Config{NextProtos: []string{"acme-tls/1"}}, ""},
		"client certificate": {&tls.Config{MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = tt.config
			server.StartTLS()
			defer server.Close()
			address := server.Listener.Addr().String()
			got := ""
			if err := Run(t.Context(), []string{address}, "missing.yml"); err != nil {
				got = err.Error()
			}
			if want := strings.ReplaceAll(tt.want, "ADDRESS", address); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}
