package opsmanager_test

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
)

// A 200 that is marked as coming from a cache is not trusted.
func TestCached(t *testing.T) {
	const (
		hit = "HTTP 200: a cache responded in place of Ops Manager"
		age = "HTTP 200: the response has an Age header: a cache responded in place of Ops Manager, or a clock is behind"
	)
	for _, tt := range []struct {
		header []string
		text   string // "" for a status
	}{
		{[]string{"Age: 0"}, ""},
		{[]string{"Age: 00"}, ""},
		{[]string{"Age: "}, ""},
		{[]string{"Age: 7"}, age},
		{[]string{"Age: -7"}, age},
		{[]string{"Age: soon"}, age},
		{[]string{"Age: 0", "Age: 7"}, age},
		{[]string{"Age: 0, 7"}, age},
		{[]string{"Cache-Status: ExampleCache; hit"}, hit},
		{[]string{"Cache-Status: ExampleCache;hit;ttl=30"}, hit},
		{[]string{`Cache-Status: "a;hit,b"; fwd=miss`}, ""},
		{[]string{`Cache-Status: "a\";hit,"; fwd=miss`}, ""},
		{[]string{"Cache-Status: a; fwd=uri-miss; stored, b; hit"}, hit},
		{[]string{"Cache-Status: a; fwd=miss", "Cache-Status: b; hit=?1"}, hit},
		{[]string{"Cache-Status: a; hit=?0; fwd=bypass"}, ""},
		{[]string{"Cache-Status: a; detail=hit"}, ""},
		{[]string{"Cache-Status: HIT"}, hit},
		{[]string{"Cache-Status: MISS"}, ""},
		{[]string{`Warning: 110 proxy "Response is stale"`}, hit},
		{[]string{`Warning: 299 - "a, 110 b", 111 - "Revalidation failed"`}, hit},
		{[]string{`Warning: 199 - "110"`}, ""},
		{[]string{`Warning: 1100 - "x"`}, ""},
		{[]string{"X-Cache: HIT from proxy.example.net"}, hit},
		{[]string{"X-Cache: Hit from cloudfront"}, hit},
		{[]string{"X-Cache: MISS, HIT"}, hit},
		{[]string{"X-Cache: MISS"}, ""},
		{[]string{"X-Cache: TCP_MISS from a"}, ""},
		{[]string{"X-Cache: "}, ""},
	} {
		t.Run(strings.Join(tt.header, ", "), func(t *testing.T) {
			status, err := newRig(t, answering(t, http.StatusOK, `{"status":"SYNCED"}`, tt.header...), nil).poll(t)
			switch {
			case tt.text != "":
				failure{opsmanager.ReasonBadResponse, 200, "", tt.text}.check(t, status, err)
			case err != nil:
				t.Error(err)
			}
		})
	}
	t.Run("not for other codes", func(t *testing.T) {
		status, err := newRig(t, answering(t, http.StatusNotFound, "", "Age: 7"), nil).poll(t)
		failure{opsmanager.ReasonNotFound, 404, "", "HTTP 404"}.check(t, status, err)
	})
}

// Ops Manager always requires the key: a status without it is from a cache, whether the
// key is wrong or Ops Manager is down.
func TestStatusWithoutCredentials(t *testing.T) {
	want := failure{
		opsmanager.ReasonBadResponse, 200, "",
		"HTTP 200: something in front of Ops Manager (a cache or gateway) responded in its place, without asking for the API key",
	}
	requests := 0
	r := newRig(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		requests++
		_, _ = w.Write([]byte(`{"status":"SYNCED"}`))
	}), nil)
	for range 3 {
		status, err := r.poll(t)
		want.check(t, status, err)
	}
	if requests != 3 {
		t.Errorf("%d requests, want one for each poll", requests)
	}
}

// A response whose Authentication-Info belongs to another request is not trusted, be it
// a status or an error.
func TestAuthenticationInfo(t *testing.T) {
	hash := func(s string) string { return fmt.Sprintf("%x", md5.Sum([]byte(s))) }
	info := func(r *http.Request, nc string) string {
		fields := map[string]string{}
		for _, m := range quotedField.FindAllStringSubmatch(r.Header.Get("Authorization"), -1) {
			fields[m[1]] = m[2]
		}
		ha1 := hash(testPublic + ":MMS Public API:" + testPrivate)
		rspauth := hash(ha1 + ":" + fields["nonce"] + ":" + nc + ":" + fields["cnonce"] + ":auth:" + hash(":"+r.RequestURI))
		return fmt.Sprintf(`rspauth="%s", cnonce="%s", nc=%s, qop=auth`, rspauth, fields["cnonce"], nc)
	}
	for code, ok := range map[int]failure{200: {}, 404: {opsmanager.ReasonNotFound, 404, "", "HTTP 404"}} {
		for nc, want := range map[string]failure{
			"00000001": ok,
			"00000002": {opsmanager.ReasonBadResponse, code, "", fmt.Sprintf("HTTP %d: the Authentication-Info of the response belongs to another request", code)},
		} {
			t.Run(fmt.Sprint(code, nc), func(t *testing.T) {
				r := newRig(t, serve(t, challenging(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Authentication-Info", info(r, nc))
					w.WriteHeader(code)
					_, _ = w.Write([]byte(`{"status":"SYNCED"}`))
				})), nil)
				status, err := r.poll(t)
				if want == (failure{}) {
					if err != nil || status != opsmanager.Synced {
						t.Errorf("got %q, %v", status, err)
					}
					return
				}
				want.check(t, status, err)
			})
		}
	}
}
