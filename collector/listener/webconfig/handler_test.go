package webconfig

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/testfile"
)

// users is a configuration with one user, whose password is "listener-password".
const users = "basic_auth_users: {prometheus: $2a$04$UubBr5nNKNy/6ugUqzTQYun.Rl5afhLuEQxHd9ZA8XD1jEb91nF16}\n"

func TestPasswords(t *testing.T) {
	t.Chdir(t.TempDir())
	testfile.Write(t, "web.yml", users)
	ask := serve(t, &journal{})
	for _, tt := range []struct{ user, password, want string }{
		{"", "", "401 Unauthorized"},
		{"prometheus", "", "401 Unauthorized"},
		{"prometheus", "guess", "401 Unauthorized"},
		{"somebody", "listener-password", "401 Unauthorized"},
		{"somebody", "fakepassword", "401 Unauthorized"},
		{"prometheus", "listener-password", "200 HTTP/1.1"},
	} {
		for range 2 { // the second time from the cache
			if got, err := ask(nil, tt.user, tt.password); got != tt.want || err != nil {
				t.Errorf("%s:%s: got %s, %v, want %s", tt.user, tt.password, got, err, tt.want)
			}
		}
	}
	testfile.Write(t, "web.yml", "basic_auth_users: {somebody: $2a$04$UubBr5nNKNy/6ugUqzTQYun.Rl5afhLuEQxHd9ZA8XD1jEb91nF16}\n")
	if got, _ := ask(nil, "prometheus", "listener-password"); got != "401 Unauthorized" {
		t.Errorf("a user that is gone: %s", got)
	}
}

// Guesses do not evict the right password from the cache, which would make it queue
// behind them.
func TestGuesses(t *testing.T) {
	const hash = "$2a$04$UubBr5nNKNy/6ugUqzTQYun.Rl5afhLuEQxHd9ZA8XD1jEb91nF16"
	var p passwords
	if !p.match("prometheus", hash, "listener-password") {
		t.Fatal("the right password is refused")
	}
	var wg sync.WaitGroup
	for i := range maxVerdicts + 20 {
		wg.Go(func() {
			if p.match("prometheus", hash, fmt.Sprint("guess ", i)) {
				t.Error("a guess is accepted")
			}
		})
	}
	wg.Wait()
	if len(p.wrong) != maxVerdicts {
		t.Errorf("%d guesses are remembered", len(p.wrong))
	}
	p.bcrypt.Lock() // blocks every comparison
	defer p.bcrypt.Unlock()
	done := make(chan bool, 1)
	go func() { done <- p.match("prometheus", hash, "listener-password") }()
	select {
	case ok := <-done:
		if !ok {
			t.Error("the right password is refused")
		}
	case <-time.After(time.Minute):
		t.Error("the right password waits for guesses")
	}
}

// A session is not resumed if its client certificate is no longer trusted.
func TestClientCertificates(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"server", "client", "other"} {
		writeCertificate(t, name)
	}
	config := func(ca, name string) string {
		return "tls_server_config: {cert_file: server.pem, key_file: server.key, client_auth_type: RequireAndVerifyClientCert, client_ca_file: " + ca + ".pem, client_allowed_sans: [" + name + "]}\n"
	}
	testfile.Write(t, "web.yml", config("client", "127.0.0.1"))
	ask := serve(t, &journal{})
	certificate, err := tls.LoadX509KeyPair("client.pem", "client.key")
	if err != nil {
		t.Fatal(err)
	}
	server, err := readFile("server.pem")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server)
	client := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	for range 2 {
		if got, err := ask(client, "", ""); got != "200 HTTP/2.0" || err != nil {
			t.Errorf("a client that is trusted: %s, %v", got, err)
		}
	}
	if got, err := ask(anybody(), "", ""); err == nil {
		t.Errorf("a client without certificate: %s", got)
	}
	for _, changed := range []string{config("client", "192.0.2.1"), config("other", "127.0.0.1")} {
		testfile.Write(t, "web.yml", changed)
		if got, err := ask(client, "", ""); err == nil {
			t.Errorf("a client that is not trusted any more: %s", got)
		}
	}
}
