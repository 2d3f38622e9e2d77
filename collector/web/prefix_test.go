package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
)

// Every path is below the prefix, and / redirects to the page.
func TestRoutePrefix(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the page") })
	external := &url.URL{Scheme: "https", Host: "exporter.example.net", Path: "/om/"}
	bare := &url.URL{Scheme: "https", Host: "exporter.example.net"}
	tests := []struct {
		name         string
		external     *url.URL
		prefix, base string
		home         string
	}{
		{"none", nil, "", "", ""},
		{"external URL without a path", bare, "", "", ""},
		{"a slash", external, "/", "", ""},
		{"a path", nil, "/om", "/om", "/om/"},
		{"other spellings of it", nil, "a//om/", "/a/om", "/a/om/"},
		{"path of the external URL", external, "", "/om", "https://exporter.example.net/om/"},
		{"another than that of the external URL", external, "/b", "/b", "https://exporter.example.net/om/"},
		{"what the router would read as a pattern", nil, "/{x}/a b", "/%7Bx%7D/a%20b", "/%7Bx%7D/a%20b/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := start(t, 1, web.Options{Page: page, TelemetryPath: "/m", ExternalURL: tt.external, RoutePrefix: tt.prefix})
			ask := func(method, path string) *http.Response {
				w := httptest.NewRecorder()
				f.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
				return w.Result()
			}
			paths := map[string]int{
				"/": 200, "/m": 200, "/m?collect[]=exporter": 200, "/probe?target=" + simulated.OrgID(0): 200, "/probe": 400, "/sd": 200,
				"/-/healthy": 200, "/-/ready": 200, "/-/reload": 405, "/nothing": 404,
			}
			for path, want := range paths {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					if got := ask(method, tt.base+path).StatusCode; got != want {
						t.Errorf("%s %s%s: status %d, want %d", method, tt.base, path, got, want)
					}
				}
				if tt.base == "" || path == "/" {
					continue
				}
				if got := ask(http.MethodGet, path).StatusCode; got != 404 {
					t.Errorf("%s: status %d, want 404", path, got)
				}
			}
			for path, allow := range map[string]string{"/": "GET, HEAD", "/m": "GET, HEAD", "/probe": "GET, HEAD", "/sd": "GET, HEAD", "/-/healthy": "GET, HEAD", "/-/ready": "GET, HEAD"} {
				if resp := ask(http.MethodPut, tt.base+path); resp.StatusCode != 405 || resp.Header.Get("Allow") != allow {
					t.Errorf("PUT %s%s: status %d, Allow %q", tt.base, path, resp.StatusCode, resp.Header.Get("Allow"))
				}
			}
			if tt.home == "" {
				return
			}
			for _, path := range []string{"/", tt.base} {
				if resp := ask(http.MethodGet, path); resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != tt.home {
					t.Errorf("%s: status %d, Location %q, want %q", path, resp.StatusCode, resp.Header.Get("Location"), tt.home)
				}
			}
		})
	}
}
