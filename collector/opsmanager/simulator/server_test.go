package simulator

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/wait"
)

func TestStartRefuses(t *testing.T) {
	tests := []struct {
		name    string
		options Options
		want    string
	}{
		{"every address", Options{Address: ":0"}, `simulator address ":0": the host must be a loopback IP address such as 127.0.0.1`},
		{"any address", Options{Address: "0.0.0.0:0"}, `simulator address "0.0.0.0:0": the host must be a loopback IP address such as 127.0.0.1`},
		{"IPv6 any address", Options{Address: "[::]:0"}, `simulator address "[::]:0": the host must be a loopback IP address such as 127.0.0.1`},
		{"name", Options{Address: "localhost:0"}, `simulator address "localhost:0": the host must be a loopback IP address such as 127.0.0.1`},
		{"no port", Options{Address: "127.0.0.1"}, `simulator address: address 127.0.0.1: missing port in address`},
		{"prefix", Options{PathPrefix: "om"}, `simulator path prefix "om": it must start with a slash and not end with one`},
		{"prefix slash", Options{PathPrefix: "/om/"}, `simulator path prefix "/om/": it must start with a slash and not end with one`},
		{"no certificate", Options{TLS: &tls.Config{}}, `simulator TLS: the configuration must hold a certificate`},
		{"one use", Options{Nonce: Nonce{Uses: 1}}, `simulator nonce: lifetime and back ends must not be negative, uses must be 2 or more`},
		{"algorithm", Options{Challenge: Challenge{Algorithm: "MD5-sess"}}, `simulator algorithm "MD5-sess": it must be MD5 or SHA-256`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Start(tt.options)
			if err == nil {
				s.Close()
				t.Fatal("it started")
			}
			if err.Error() != tt.want {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

func TestRoutes(t *testing.T) {
	s := start(t, Options{PathPrefix: "/om"}, Org{Keys: []string{testPublic}})
	s.SetOrg("other", Org{Keys: []string{}})
	org := func(id string) string { return "/om" + beforeOrg + id + afterOrg }
	base := strings.TrimSuffix(s.URL(), "/om")
	tests := []struct {
		name, method, path string
		anonymous, known   int    // status without and with a digest
		body               string // part of the latter
	}{
		{"status", "GET", org(testOrg), 401, 200, `{"status": "SYNCED"}`},
		{"unknown organization", "GET", org("unknown"), 401, 404, `"errorCode":"ORG_NOT_FOUND","parameters":["unknown"]`},
		{"key of another organization", "GET", org("other"), 401, 401, `"errorCode":"USER_UNAUTHORIZED"`},
		{"POST", "POST", org(testOrg), 401, 405, ""},
		{"HEAD", "HEAD", org(testOrg), 401, 405, ""},
		{"other path", "GET", "/om/api/public/v1.0/groups", 401, 404, `"errorCode":"RESOURCE_NOT_FOUND","parameters":["/om/api/public/v1.0/groups"]`},
		{"no organization", "GET", org(""), 401, 404, `"errorCode":"RESOURCE_NOT_FOUND"`},
		{"two segments", "GET", org("a/b"), 401, 404, `"errorCode":"RESOURCE_NOT_FOUND"`},
		{"outside the prefix", "GET", testPath, 404, 404, "HTTP ERROR 404 Not Found"},
		{"health", "GET", "/om/monitor/health", 200, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := client(t)
			if r := do(t, c, tt.method, base+tt.path, ""); r.status != tt.anonymous {
				t.Errorf("without a digest: got %d, want %d", r.status, tt.anonymous)
			}
			nonce := do(t, c, http.MethodGet, s.URL()+"/", "").nonce(t)
			r := do(t, c, tt.method, base+tt.path, authorize(tt.method, tt.path, nonce, "1"))
			if r.status != tt.known || !strings.Contains(r.body, tt.body) {
				t.Errorf("got %d %s, want %d %s", r.status, r.body, tt.known, tt.body)
			}
		})
	}
}

func TestKeysAndOrganizationsChange(t *testing.T) {
	s, c := start(t, Options{}, Org{}), client(t)
	steps := []struct {
		name   string
		change func()
		want   int
	}{
		{"at first", func() {}, 200},
		{"key changed", func() { s.SetKey(testPublic, "another") }, 401},
		{"key changed back", func() { s.SetKey(testPublic, testPrivate) }, 200},
		{"key removed", func() { s.RemoveKey(testPublic) }, 401},
		{"key added", func() { s.SetKey(testPublic, testPrivate) }, 200},
		{"organization removed", func() { s.RemoveOrg(testOrg) }, 404},
		{"organization added", func() { s.SetOrg(testOrg, Org{Answer: HTML(503)}) }, 503},
	}
	for _, step := range steps {
		step.change()
		if r := login(t, c, s, http.MethodGet, testPath); r.status != step.want {
			t.Errorf("%s: got %d, want %d", step.name, r.status, step.want)
		}
	}
}

func TestRestart(t *testing.T) {
	s, c := start(t, Options{}, Org{}), client(t)
	nonce := do(t, c, http.MethodGet, s.URL()+testPath, "").nonce(t)
	if r := do(t, c, http.MethodGet, s.URL()+testPath, authorize("GET", testPath, nonce, "1")); r.status != 200 {
		t.Fatalf("before: %d", r.status)
	}
	s.Restart()
	wait.For(t, "no connection is left", func() bool { return s.Counts().Open == 0 })
	r := do(t, c, http.MethodGet, s.URL()+testPath, authorize("GET", testPath, nonce, "2"))
	if r.status != 401 || !r.isStale() {
		t.Errorf("after: %d, %s", r.status, r.challenge())
	}
	if n := s.Counts().Connections; n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
	s.ForgetNonces()
	if r := do(t, c, http.MethodGet, s.URL()+testPath, authorize("GET", testPath, r.nonce(t), "1")); !r.isStale() {
		t.Errorf("forgotten: %d, %s", r.status, r.challenge())
	}
	if n := s.Counts().Connections; n != 2 {
		t.Errorf("%d connections after forgetting nonces, want 2", n)
	}
}

func TestRestartBreaksWhatWaits(t *testing.T) {
	s, c := start(t, Options{}, Org{BeforeAuth: Hang()}), client(t)
	done := make(chan error)
	go func() {
		_, err := request(t.Context(), c, http.MethodGet, s.URL()+testPath, "")
		done <- err
	}()
	wait.For(t, "a request is under way", func() bool { return s.Counts().InFlight == 1 })
	s.SetOrg(testOrg, Org{}) // net/http may retry on another connection
	s.Restart()
	<-done
	wait.For(t, "no request is left", func() bool { return s.Counts().InFlight == 0 })
}

func TestIPv6AndCloseTwice(t *testing.T) {
	s, err := Start(Options{Address: "[::1]:0"})
	if err != nil {
		t.Skip("no IPv6 loopback: ", err)
	}
	if !strings.HasPrefix(s.URL(), "http://[::1]:") {
		t.Errorf("URL %s", s.URL())
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
