package simulator

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/clock"
)

// beside starts another server of the same Ops Manager.
func beside(t *testing.T, s *Server, o Options) *Server {
	t.Helper()
	o.Beside = s
	other, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return other
}

func TestBeside(t *testing.T) {
	first, c := start(t, Options{}, Org{Answer: Status("NOT_SYNCED")}), client(t)
	second := beside(t, first, Options{})
	nonces := make(map[*Server]string)
	for _, s := range []*Server{first, second} {
		nonces[s] = do(t, c, http.MethodGet, s.URL()+testPath, "").nonce(t)
		if r := do(t, c, http.MethodGet, s.URL()+testPath, authorize("GET", testPath, nonces[s], "1")); r.body != `{"status": "NOT_SYNCED"}` {
			t.Errorf("its own nonce: %d, %s", r.status, r.body)
		}
	}
	if r := do(t, c, http.MethodGet, second.URL()+testPath, authorize("GET", testPath, nonces[first], "2")); !r.isStale() {
		t.Errorf("the other's nonce: %d, %s", r.status, r.challenge())
	}
	want := Counts{Requests: 5, OK: 2, Unauthorized: 3, Challenges: 3, Stale: 1, MaxInFlight: 1, Connections: 2, Open: 2}
	for _, s := range []*Server{first, second} {
		if got := s.Counts(); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	second.RemoveKey(testPublic)
	if r := login(t, c, first, http.MethodGet, testPath); r.status != 401 {
		t.Errorf("a key that was removed: %d", r.status)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	first.SetKey(testPublic, testPrivate)
	if r := login(t, c, first, http.MethodGet, testPath); r.status != 200 {
		t.Errorf("with the other closed: %d", r.status)
	}
	if _, err := Start(Options{Beside: first, Challenge: Challenge{Algorithm: "SHA-256"}}); err == nil {
		t.Error("two algorithms in one Ops Manager")
	}
}

func TestUnknownRefused(t *testing.T) {
	now := clock.New()
	s, c := start(t, Options{Nonce: Nonce{UnknownRefused: true}, Now: now.Now}, Org{}), client(t)
	url := s.URL() + testPath
	nonce := do(t, c, http.MethodGet, url, "").nonce(t)
	for name, n := range map[string]string{"of another server": "I+xG4xb7bUgq8uMBCuAxZPI+VDDcJ9q1", "too old": nonce} {
		now.Advance(2 * time.Minute)
		if r := do(t, c, http.MethodGet, url, authorize("GET", testPath, n, "1")); r.status != 401 || r.isStale() || r.nonce(t) == "" {
			t.Errorf("%s: %d, %s", name, r.status, r.challenge())
		}
	}
}

// A nonce is valid only with the cookie of its challenge. With it, the next challenge sets
// no cookie.
func TestSession(t *testing.T) {
	for _, refused := range []bool{false, true} {
		s, bare, jarred := start(t, Options{Nonce: Nonce{Session: true, UnknownRefused: refused}}, Org{}), client(t), client(t)
		jarred.Jar, _ = cookiejar.New(nil) // never fails
		url := s.URL() + testPath
		first := do(t, jarred, http.MethodGet, url, "")
		if len(first.header["Set-Cookie"]) != 1 {
			t.Errorf("the first challenge: %q", first.header["Set-Cookie"])
		}
		second := do(t, jarred, http.MethodGet, url, "")
		if got := second.header["Set-Cookie"]; got != nil {
			t.Errorf("the second challenge: %q", got)
		}
		foreign := do(t, bare, http.MethodGet, url, "").nonce(t)
		for i, tt := range []struct {
			client *http.Client
			nonce  string
			want   int
		}{
			{jarred, first.nonce(t), 200},
			{jarred, second.nonce(t), 200},
			{bare, first.nonce(t), 401},
			{jarred, foreign, 401},
			{jarred, first.nonce(t), 200},
		} {
			r := do(t, tt.client, http.MethodGet, url, authorize("GET", testPath, tt.nonce, fmt.Sprint(i+1)))
			if r.status != tt.want || r.isStale() != (tt.want == 401 && !refused) {
				t.Errorf("use %d: %d, %s", i+1, r.status, r.challenge())
			}
		}
	}
}

func TestLimit(t *testing.T) {
	now := clock.New()
	s, c := start(t, Options{Now: now.Now, Limit: Limit{Requests: 2, Window: 30 * time.Second, RetryAfter: true}}, Org{}), client(t)
	silent := beside(t, s, Options{Now: now.Now, Limit: Limit{Requests: 2, Window: 30 * time.Second}})
	for i, want := range []struct {
		server     *Server
		after      time.Duration
		status     int
		retryAfter string
	}{
		{s, 0, 200, ""},
		{silent, 10 * time.Second, 200, ""},
		{s, 10500 * time.Millisecond, 429, "10"},
		{silent, 0, 429, ""},
		{s, 9500 * time.Millisecond, 200, ""},
	} {
		now.Advance(want.after)
		r := login(t, c, want.server, http.MethodGet, testPath)
		if r.status != want.status || r.header.Get("Retry-After") != want.retryAfter {
			t.Errorf("request %d: %d, Retry-After %q, want %+v", i+1, r.status, r.header.Get("Retry-After"), want)
		}
	}
	s.SetKey("another", testPrivate)
	if r := loginAs(t, c, s, "another"); r.status != 200 {
		t.Errorf("another key: %d", r.status)
	}
}

func loginAs(t *testing.T, c *http.Client, s *Server, public string) reply {
	t.Helper()
	nonce := do(t, c, http.MethodGet, s.URL()+"/", "").nonce(t)
	return do(t, c, http.MethodGet, s.URL()+testPath, authorizeAs(hashOf(algorithmMD5), public, testPrivate, "GET", testPath, nonce, "1"))
}

func TestHeaders(t *testing.T) {
	h := hashOf(algorithmMD5)
	right := func(nonce string) string {
		return h(h(testPublic, "MMS Public API", testPrivate), nonce, "00000001", "c0ffee", "auth", h("", testPath))
	}
	for wrong, want := range map[string]string{
		"":        `rspauth="RIGHT", cnonce="c0ffee", nc=00000001, qop=auth`,
		"rspauth": `rspauth="OTHER", cnonce="c0ffee", nc=00000001, qop=auth`,
		"cnonce":  `rspauth="RIGHT", cnonce="OTHER", nc=00000001, qop=auth`,
		"nc":      `rspauth="RIGHT", cnonce="c0ffee", nc=7fffffff, qop=auth`,
	} {
		s, c := start(t, Options{}, Org{Answer: WithAuthenticationInfo(wrong, WithHeader("Age", "0", WithHeader("Age", "30", Status("SYNCED"))))}), client(t)
		nonce := do(t, c, http.MethodGet, s.URL()+"/", "").nonce(t)
		r := do(t, c, http.MethodGet, s.URL()+testPath, authorize("GET", testPath, nonce, "00000001"))
		got := r.header.Get("Authentication-Info")
		for text, name := range map[string]string{right(nonce): "RIGHT", h(right(nonce)): "OTHER", h("c0ffee"): "OTHER"} {
			got = strings.ReplaceAll(got, text, name)
		}
		if got != want || fmt.Sprint(r.header["Age"]) != "[0 30]" || r.status != 200 {
			t.Errorf("wrong %q: %d, got %s, want %s, Age %q", wrong, r.status, got, want, r.header["Age"])
		}
	}
}
