package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/web"
)

// FuzzProbe checks that a query gets exactly the organization that it names, or an error
// that does not repeat the query.
func FuzzProbe(f *testing.F) {
	id := simulated.OrgID(0)
	for _, query := range []string{
		"", "target=" + id, "target=" + strings.ToUpper(id), "target=" + id + "&debug=true", "target=" + id + "&target=" + id, "target=", "target=x",
		"target=%", "target=" + id + "%00", "target=+" + id, "debug=true", ";", "target=" + id + ";debug=true", "TARGET=" + id, "target[]=" + id, "%74arget=" + id,
		"target=<script>", "target=" + strings.Repeat("a", 10000),
	} {
		f.Add(query, "10")
		f.Add(query, "0.001")
		f.Add(query, "NaN")
	}
	fx := start(f, 1, web.Options{TimeoutOffset: 500 * time.Millisecond})
	f.Fuzz(func(t *testing.T, query, timeout string) {
		r := httptest.NewRequest(http.MethodGet, "/probe", nil)
		r.URL.RawQuery = query
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", timeout)
		w := httptest.NewRecorder()
		fx.handler.ServeHTTP(w, r)
		values, _ := url.ParseQuery(query) // invalid parts are omitted
		targets := values["target"]
		want := http.StatusNotFound
		switch {
		case len(targets) != 1 || targets[0] == "":
			want = http.StatusBadRequest
		case strings.ToLower(targets[0]) == id:
			want = http.StatusOK
		}
		body := w.Body.String()
		if w.Code != want || want == http.StatusOK && !strings.Contains(body, id) {
			t.Fatalf("%q: HTTP %d, want %d: %s", query, w.Code, want, body)
		}
		if want != http.StatusOK && (len(body) > 200 || strings.Contains(body, "\nopsmanager_")) {
			t.Fatalf("%q: %s", query, body)
		}
	})
}
