package opsmanager_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
)

// recorder records the Cookie and the nonce of each request.
type recorder struct {
	mu   sync.Mutex
	seen []string
}

func (r *recorder) record(req *http.Request) {
	nonce := "-"
	if m := nonceField.FindStringSubmatch(req.Header.Get("Authorization")); m != nil {
		nonce = m[1]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, strings.TrimSpace(nonce+" "+strings.Join(req.Header.Values("Cookie"), "|")))
}

// take returns the recorded values and clears them.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.seen = nil }()
	return r.seen
}

func (r *recorder) want(t *testing.T, want ...string) {
	t.Helper()
	if got := r.take(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// Cookies are sent only with the nonce with which they were set.
func TestCookiesOnTheWire(t *testing.T) {
	const other = "5f1e9c2b8d3a4e0012ab34ce"
	var rec recorder
	var answers []http.Header // of consecutive 401s, followed by SYNCED
	var more http.Header      // of SYNCED
	handler := func(w http.ResponseWriter, r *http.Request) {
		rec.record(r)
		h := more
		if len(answers) > 0 {
			h, answers = answers[0], answers[1:]
			defer w.WriteHeader(http.StatusUnauthorized)
		} else {
			defer func() { _, _ = w.Write([]byte(`{"status":"SYNCED"}`)) }()
		}
		maps.Copy(w.Header(), h)
	}
	issue := func(nonce string, cookies ...string) http.Header {
		return http.Header{
			"Www-Authenticate": {fmt.Sprintf("Digest realm=x, nonce=%q, qop=auth, stale=true", nonce)}, "Set-Cookie": cookies,
		}
	}
	sessions := opsmanager.NewSessions()
	shared := func(o *opsmanager.Options) { o.Sessions = sessions }
	r := newRig(t, serve(t, handler), shared)
	elsewhere := newRig(t, serve(t, handler), shared) // another port is another origin

	answers = []http.Header{issue("a", "SRV=b1; path=/", "ID=1; Path=/; HttpOnly", "X=1; Path=/admin", "Y=1; Domain=example.org", "Z=1; Secure; Domain=127.0.0.1; Path=/a")}
	r.synced(t)
	rec.want(t, "-", "a SRV=b1; ID=1")
	if status, err := r.read(t.Context(), keyOf(testPublic, testPrivate), other); status != opsmanager.Synced {
		t.Error(err)
	}
	rec.want(t, "a SRV=b1; ID=1")

	answers = []http.Header{issue("b")}
	elsewhere.synced(t)
	rec.want(t, "-", "b")

	answers = []http.Header{issue("c")}
	if status, err := r.read(t.Context(), keyOf(testPublic, "another"), testOrg); status != opsmanager.Synced {
		t.Error(err)
	}
	rec.want(t, "-", "c")

	more = http.Header{"Set-Cookie": {"ID=2; Path=/"}}
	r.synced(t)
	more = nil
	r.synced(t)
	rec.want(t, "a SRV=b1; ID=1", "a SRV=b1; ID=2")

	answers = []http.Header{issue("d", "SRV=b2; path=/")}
	r.synced(t)
	r.synced(t)
	rec.want(t, "a SRV=b1; ID=2", "d SRV=b2; ID=2", "d SRV=b2; ID=2")
}

// After an error of a load balancer, the nonce is not shared: it may not have reached a
// server.
func TestErrorDoesNotPromoteANonce(t *testing.T) {
	for code, want := range map[int]string{503: "a", 500: "a", 404: "b"} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			var rec recorder
			issue := func(w http.ResponseWriter, nonce string) {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf("Digest realm=x, nonce=%q, qop=auth, stale=true", nonce))
				w.WriteHeader(http.StatusUnauthorized)
			}
			answers := []func(http.ResponseWriter){
				func(w http.ResponseWriter) { issue(w, "a") },
				func(w http.ResponseWriter) { w.WriteHeader(404) },
				func(w http.ResponseWriter) { issue(w, "b") },
				func(w http.ResponseWriter) { w.WriteHeader(code) },
				func(w http.ResponseWriter) { w.WriteHeader(404) },
			}
			n := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rec.record(r)
				answers[n](w)
				n++
			}))
			t.Cleanup(s.Close)
			r := newRig(t, s.URL, nil)
			for range 3 {
				_, _ = r.poll(t)
			}
			rec.want(t, "-", "a", "a", "b", want)
		})
	}
}
