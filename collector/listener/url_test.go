package listener_test

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"opsmanager_exporter/collector/listener"
	"opsmanager_exporter/collector/listener/webconfig"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/testfile"
)

func TestURL(t *testing.T) {
	cert, key := authority.Files(t, authority.New(t).Issue(t))
	open := func(content string) *webconfig.File {
		f, err := webconfig.Open(t.Context(), testfile.New(t, "web.yml", content), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	secure := open(fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s}\n", cert, key))
	for _, tt := range []struct {
		address  string
		security *webconfig.File
		want     string // without the port
	}{
		{"127.0.0.1:0", nil, "http://127.0.0.1:"},
		{":0", nil, "http://localhost:"},
		{"0.0.0.0:0", secure, "https://localhost:"},
		{"127.0.0.1:0", secure, "https://127.0.0.1:"},
		{"127.0.0.1:0", open("http_server_config: {http2: false}\n"), "http://127.0.0.1:"},
	} {
		l, err := net.Listen("tcp", tt.address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		if got := (listener.Options{Listeners: []net.Listener{l}, Security: tt.security}).URL().String(); strings.TrimSuffix(got, port) != tt.want {
			t.Errorf("%s: got %s, want %s%s", tt.address, got, tt.want, port)
		}
	}
}
