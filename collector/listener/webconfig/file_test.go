package webconfig

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/testfile"
)

// writeCertificate writes name.pem and name.key into the working directory.
func writeCertificate(t *testing.T, name string) {
	t.Helper()
	cert, key := authority.PEM(t, authority.SelfSigned(t))
	testfile.Write(t, name+".pem", cert)
	testfile.Write(t, name+".key", key)
}

// journal is a log without times and source locations.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// take returns what was logged since the last call.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.text.Reset()
	return j.text.String()
}

// serve serves with web.yml from the working directory. The returned function sends a
// request and returns the status or an error.
func serve(t *testing.T, j *journal) func(client *tls.Config, user, password string) (string, error) {
	t.Helper()
	f, err := Open(t.Context(), "web.yml", j.logger())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler:  f.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(f.Listener(l, server)) }()
	t.Cleanup(func() { server.Close(); <-ended })
	return func(client *tls.Config, user, password string) (string, error) {
		scheme := "http://"
		if client != nil {
			scheme = "https://"
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+l.Addr().String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if user != "" {
			req.SetBasicAuth(user, password)
		}
		transport := &http.Transport{TLSClientConfig: client, ForceAttemptHTTP2: true}
		defer transport.CloseIdleConnections()
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return fmt.Sprint(resp.StatusCode, " ", strings.TrimSpace(string(body))), err
	}
}

func anybody() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

// Files that break while in use are logged once, with name and cause, and again when
// they are repaired.
func TestBrokenWhileServing(t *testing.T) {
	t.Chdir(t.TempDir())
	writeCertificate(t, "server")
	good := "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"
	testfile.Write(t, "web.yml", good)
	var j journal
	ask := serve(t, &j)
	const (
		fails   = "remote error: tls: internal error"
		isFine  = `level=INFO msg="The web configuration can be used again" file=web.yml` + "\n"
		isWrong = `level=WARN msg="The web configuration cannot be used" file=web.yml err=`
	)
	for _, step := range []struct {
		name        string
		change      func()
		answer, log string
	}{
		{"at first", func() {}, "200 HTTP/2.0", ""},
		{
			"certificate broken", func() { testfile.Write(t, "server.pem", "half a certif") }, fails,
			isWrong + `"tls_server_config.cert_file \"server.pem\" and key_file \"server.key\": tls: failed to find any PEM data in certificate input: they must be a certificate and its unencrypted key in PEM format" effect="TLS handshakes fail"` + "\n",
		},
		{
			"key of another certificate", func() {
				writeCertificate(t, "other")
				writeCertificate(t, "server")
				copyFile(t, "other.key", "server.key")
			}, fails,
			isWrong + `"tls_server_config.cert_file \"server.pem\" and key_file \"server.key\": tls: private key does not match public key: they must be a certificate and its unencrypted key in PEM format" effect="TLS handshakes fail"` + "\n",
		},
		{"renewed", func() { writeCertificate(t, "server") }, "200 HTTP/2.0", isFine},
		{"without HTTP/2", func() { testfile.Write(t, "web.yml", good+"http_server_config: {http2: false}\n") }, "200 HTTP/1.1", ""},
		{
			"web.yml broken", func() { testfile.Write(t, "web.yml", "tls_server_config: {\n") }, fails,
			isWrong + `"line 1: did not find expected node content" effect="TLS handshakes and requests fail"` + "\n",
		},
		{
			"TLS taken out", func() { testfile.Write(t, "web.yml", "") }, fails,
			isWrong + `"tls_server_config was removed: restore it, or restart the exporter to serve plain HTTP" effect="TLS handshakes fail"` + "\n",
		},
		{"repaired", func() { testfile.Write(t, "web.yml", good) }, "200 HTTP/2.0", isFine},
	} {
		step.change()
		for range 3 {
			got, err := ask(anybody(), "", "")
			if err != nil {
				got = err.Error()
			}
			if got != step.answer {
				t.Errorf("%s: got %s, want %s", step.name, got, step.answer)
			}
		}
		if got := j.take(); got != step.log {
			t.Errorf("%s: logged\n%swant\n%s", step.name, got, step.log)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := readFile(from)
	if err != nil {
		t.Fatal(err)
	}
	testfile.Write(t, to, string(text))
}

func TestPlainHTTP(t *testing.T) {
	t.Chdir(t.TempDir())
	const header = "http_server_config: {headers: {X-Frame-Options: deny}}\n"
	testfile.Write(t, "web.yml", header)
	var j journal
	ask := serve(t, &j)
	for _, step := range []struct{ name, content, answer, log string }{
		{"at first", header, "200 HTTP/1.1", ""},
		{"a user", users, "401 Unauthorized", ""},
		{
			"broken", "basic_auth_users: {a: b}\n", "500 the web configuration cannot be used: see the log",
			`level=WARN msg="The web configuration cannot be used" file=web.yml err="basic_auth_users: the password of \"a\" is not a bcrypt hash: use what htpasswd -nB \"a\" prints after the colon" effect="requests fail"` + "\n",
		},
		{
			"TLS added", "tls_server_config: {cert_file: x, key_file: y}\n", "200 HTTP/1.1",
			`level=WARN msg="The web configuration cannot be used" file=web.yml err="tls_server_config was added: restart the exporter" effect="plain HTTP is served"` + "\n",
		},
		{"a limit", "rate_limit: {interval: 1h, burst: 2}\n", "429 Too Many Requests", `level=INFO msg="The web configuration can be used again" file=web.yml` + "\n"},
	} {
		testfile.Write(t, "web.yml", step.content)
		var got string
		for range 3 {
			var err error
			if got, err = ask(nil, "", ""); err != nil {
				t.Fatal(err)
			}
		}
		if got != step.answer {
			t.Errorf("%s: got %s, want %s", step.name, got, step.answer)
		}
		if got := j.take(); got != step.log {
			t.Errorf("%s: logged\n%swant\n%s", step.name, got, step.log)
		}
	}
}

// A file system that does not respond delays one request by a second, and no others; the
// last contents stay in use.
func TestStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan *contents)
		f := &File{path: "web.yml", logger: j.logger(), load: func(string, *contents) *contents { return <-release }}
		first := &contents{settings: newSettings("web.yml", nil)}
		go func() { release <- first }()
		if _, err := open(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		for _, want := range []time.Duration{patience, 0, 0} {
			begun := time.Now()
			if f.current() != first {
				t.Error("what was last read is not in use")
			}
			if took := time.Since(begun); took != want {
				t.Errorf("took %s, want %s", took, want)
			}
		}
		const stuck = `level=WARN msg="The web configuration cannot be used" file=web.yml err="reading it timed out: check that its file system responds" effect="its last contents stay in use"` + "\n"
		if got := j.take(); got != stuck {
			t.Errorf("logged\n%swant\n%s", got, stuck)
		}
		second := &contents{settings: newSettings("web.yml", nil)}
		release <- second // for the read that was stuck
		go func() { release <- second }()
		synctest.Wait()
		if f.current() != second {
			t.Error("what was read at last is not in use")
		}
		if got, want := j.take(), `level=INFO msg="The web configuration can be used again" file=web.yml`+"\n"; got != want {
			t.Errorf("logged\n%swant\n%s", got, want)
		}
	})
}

func TestStuckFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan *contents)
		begun := time.Now()
		_, err := open(t.Context(), &File{path: "web.yml", load: func(string, *contents) *contents { return <-release }})
		const want = `--web.config.file="web.yml": reading it timed out: check that its file system responds`
		if err == nil || err.Error() != want || time.Since(begun) != startPatience {
			t.Errorf("got %v after %s, want %s", err, time.Since(begun), want)
		}
		release <- &contents{settings: &settings{err: errors.New("too late")}}
	})
}
