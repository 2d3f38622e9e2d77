package healthcheck

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
			if err := Run(t.Context(), []string{address}); err != nil {
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
		"nothing there":  {address, "health check: nothing answers HTTP at " + address + ": dial tcp " + address + ": connect: connection refused"},
		"not HTTP":       {mute.Addr().String(), "health check: nothing answers HTTP at " + mute.Addr().String()},
		"no port":        {"localhost", "health check: --web.listen-address: address localhost: missing port in address"},
		"another socket": {"vsock://:20301", "health check: give --web.listen-address as host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Run(t.Context(), []string{tt.address}); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	for address, want := range map[string]string{
		":20301": "127.0.0.1:20301", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "[::1]:1",
		"127.0.0.1:1": "127.0.0.1:1", "[::1]:1": "[::1]:1", "exporter:1": "exporter:1",
	} {
		if got, err := reachable(address); got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", address, got, err, want)
		}
	}
}
