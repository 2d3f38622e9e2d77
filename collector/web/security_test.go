package web_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
)

// Pages of other sites cannot make a browser reload the configuration.
func TestReloadFromAnotherSite(t *testing.T) {
	t.Parallel()
	var reloads atomic.Int32
	f := start(t, 1, web.Options{Reload: func() error {
		reloads.Add(1)
		return nil
	}})
	for _, tt := range []struct {
		name    string
		headers map[string]string
		want    int
	}{
		{"no browser", nil, http.StatusOK},
		{"this site", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://exporter.example.net"}, http.StatusOK},
		{"by hand", map[string]string{"Sec-Fetch-Site": "none"}, http.StatusOK},
		{"old browser, this site", map[string]string{"Origin": "http://" + f.host}, http.StatusOK},
		{"another site", map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		{"another host of the domain", map[string]string{"Sec-Fetch-Site": "same-site"}, http.StatusForbidden},
		{"old browser, another site", map[string]string{"Origin": "https://evil.example.net"}, http.StatusForbidden},
		{"old browser, a file", map[string]string{"Origin": "null"}, http.StatusForbidden},
	} {
		before := reloads.Load()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.host+"/-/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range tt.headers {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tt.want || (reloads.Load() > before) != (tt.want == http.StatusOK) {
			t.Errorf("%s: status %d, want %d; %d reloads; %q, %v", tt.name, resp.StatusCode, tt.want, reloads.Load()-before, body, err)
		}
		if tt.want == http.StatusForbidden && string(body) != "cross-site requests are refused\n" {
			t.Errorf("%s: %q", tt.name, body)
		}
	}
}

// The response to a reload says whether the configuration was reloaded.
func TestReloadAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		reload func() error
		status int
		body   string
	}{
		"reloaded": {func() error { return nil }, http.StatusOK, "Configuration reloaded.\n"},
		"failed": {
			func() error { return errors.New("opsmanager.yml:3: is wrong\nopsmanager.yml:4: too") }, http.StatusInternalServerError,
			"the configuration could not be reloaded; the previous one stays in use:\nopsmanager.yml:3: is wrong\nopsmanager.yml:4: too\n",
		},
		"disabled": {nil, http.StatusForbidden, "reloading through HTTP is disabled: start the exporter with --web.enable-lifecycle, or send it SIGHUP\n"},
	} {
		w := httptest.NewRecorder()
		start(t, 1, web.Options{Reload: tt.reload}).handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/-/reload", nil))
		if w.Code != tt.status || w.Body.String() != tt.body {
			t.Errorf("%s: status %d, %q", name, w.Code, w.Body)
		}
	}
}

// No response may be cached.
func TestNoStore(t *testing.T) {
	t.Parallel()
	f := start(t, 1, web.Options{Page: http.NotFoundHandler()})
	for _, request := range []string{
		"GET /", "GET /metrics", "GET /metrics?collect[]=exporter", "GET /metrics?collect[]=x", "GET /probe", "GET /probe?target=" + simulated.OrgID(0),
		"GET /probe?debug=true&target=" + simulated.OrgID(0), "GET /sd", "GET /-/healthy", "GET /-/ready", "POST /-/reload", "GET /nothing", "PUT /metrics", "HEAD /metrics",
	} {
		method, path, _ := strings.Cut(request, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+f.host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", request, got)
		}
	}
}
