package statuspage_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/statuspage"
	"opsmanager_exporter/collector/testkit/ci"
)

// finding is the result of the script of [examined] in the browser.
type finding struct {
	Width, ScrollWidth int
	Dark               bool
	Fit                int      // organizations above the 800th pixel
	Broken             []string // texts in the table that wrap
	Checks             int      // rules of axe-core that pass
	Error              string
	Violations         []struct {
		ID, Help string
		Nodes    []struct{ HTML, FailureSummary string }
	}
}

// examined serves page with axe-core in it, without its Content-Security-Policy, which
// allows no scripts.
func examined(page http.Handler, axe string) *httptest.Server {
	const script = `<script src="/axe.js"></script><script>
const all = (selector) => [...document.querySelectorAll(selector)];
const found = {Width: innerWidth, ScrollWidth: document.documentElement.scrollWidth, Dark: matchMedia("(prefers-color-scheme: dark)").matches,
  Fit: all("tbody tr").filter(row => row.getBoundingClientRect().bottom <= 800).length,
  Broken: all("table bdi, table code, table time, .state, .took").filter(text => text.getBoundingClientRect().height > 30).map(text => text.textContent)};
// Users can turn off refresh, which the rule meta-refresh cannot know.
axe.run({resultTypes: ["violations"], rules: {"meta-refresh": {enabled: !location.search.includes("refresh=30")}}})
.then(r => { found.Checks = r.passes.length; found.Violations = r.violations; }, e => { found.Error = String(e); })
.then(() => {
  const out = document.createElement("script");
  out.type = "application/json";
  out.textContent = "FOUND" + JSON.stringify(found, (k, v) => ["any", "all", "none", "target"].includes(k) ? undefined : v).replaceAll("<", "\\u003c") + "DNUOF";
  top.document.body.append(out);
});
</script></body>`
	mux := http.NewServeMux()
	mux.HandleFunc("/axe.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, axe) })
	// Chromium windows cannot be as narrow as a phone.
	mux.HandleFunc("/phone", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!DOCTYPE html><meta name="color-scheme" content="light dark"><iframe src="/?%s" width="375" height="800" style="border: 0">`, html.EscapeString(r.URL.RawQuery))
	})
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		page.ServeHTTP(recorder, r)
		w.Header().Set("Content-Type", recorder.Header().Get("Content-Type"))
		_, _ = io.WriteString(w, strings.Replace(recorder.Body.String(), "</body>", script, 1))
	})
	return httptest.NewServer(mux)
}

// The page is accessible by the rules of axe-core (including contrast), nothing
// overflows the screen of a phone, host names do not wrap, and problems are on the
// first screen.
func TestAccessibility(t *testing.T) {
	axe, err := filepath.Abs("axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(axe); err != nil {
		ci.Missing(t, "axe-core in collector/statuspage/axe")
	}
	paged := options(sample())
	paged.PageSize = 2
	tests := []struct {
		name    string
		options statuspage.Options
		path    string // /phone for a narrow window
		dark    bool
		fit     int // expected number of organizations on the first screen
	}{
		{"sample", options(sample()), "/", false, 6},
		{"sample in the dark", options(sample()), "/", true, 6},
		{"sample on a phone", options(sample()), "/phone", false, 1},
		{"sample on a phone in the dark", options(sample()), "/phone", true, 1},
		{"fleet", options(wide()), "/", false, 20},
		{"fleet in the dark, sorted", options(wide()), "/?sort=-since", true, 20},
		{"fleet that is reloaded", options(wide()), "/?refresh=30", false, 20},
		{"fleet on a phone", options(wide()), "/phone", true, 3},
		{"fleet on a phone, sorted and reloaded", options(wide()), "/phone?sort=name&refresh=30", false, 3},
		{"hostile", options(hostile()), "/", true, 0},
		{"hostile on a phone", options(hostile()), "/phone", false, 0},
		{"second page", paged, "/?page=2", false, 2},
		{"second page on a phone", paged, "/phone?page=2&state=unknown", true, 0},
		{"nothing", options(collector.Snapshot{}), "/?q=x&state=unknown", false, 0},
		{"before the first scrape", options(collector.Snapshot{Orgs: sample().Orgs[4:5]}), "/phone", true, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := examined(statuspage.New(test.options), axe)
			defer server.Close()
			width, scheme := 1280, 1
			if strings.HasPrefix(test.path, "/phone") {
				width = 375
			}
			if test.dark {
				scheme = 0
			}
			dom, console := dump(t, server.URL+test.path, "--virtual-time-budget=20000", "--window-size=1280,900", fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme))
			_, text, _ := strings.Cut(dom, `json">FOUND`)
			text, _, ok := strings.Cut(text, "DNUOF")
			var f finding
			if err := json.Unmarshal([]byte(text), &f); !ok || err != nil {
				t.Fatalf("no result: %v\n%s\n%s", err, dom, console)
			}
			if f.Error != "" || f.Checks < 15 || f.Width != width || f.Dark != test.dark {
				t.Fatalf("it was not examined as it should have been: %+v", f)
			}
			if f.ScrollWidth > f.Width {
				t.Errorf("%d pixels wide on a screen of %d", f.ScrollWidth, f.Width)
			}
			if f.Fit < test.fit {
				t.Errorf("%d organizations on the first screen, want %d", f.Fit, test.fit)
			}
			if len(f.Broken) > 0 {
				t.Errorf("more than one line: %q", f.Broken)
			}
			for _, v := range f.Violations {
				t.Errorf("%s: %s: %+v", v.ID, v.Help, v.Nodes)
			}
		})
	}
}
