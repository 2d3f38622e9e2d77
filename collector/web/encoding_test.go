package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/testlog"
	"opsmanager_exporter/collector/web"
)

// Whatever encodings a client accepts, it gets a response that it can read, and nothing
// is logged.
func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	var log testlog.Buffer
	f := start(t, 1, web.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	for accept, want := range map[string]string{
		"": "", "gzip": "gzip", "GZIP": "gzip", "x-gzip": "gzip", "*": "gzip", "gzip, deflate, br": "gzip", "br;q=1, gzip;q=0.2": "gzip",
		"gzip ; q=0.5": "gzip", "gzip;q=1.000": "gzip", "gzip;x=0;q=1": "gzip", "identity;q=0, gzip": "gzip", "gzip, identity": "gzip",
		"gzip;q=0": "", "gzip;q=0.0": "", "gzip;q=0, *": "", "*;q=0": "", "identity": "", "identity, gzip;q=0.5": "", "identity;q=0": "",
		"br": "", "zstd": "", "deflate": "", "gzip;q=x": "", "gzip;q=": "", "gzip;q=-1": "", "gzip;q=2": "", "gzip;q=NaN": "", ",;,=;q": "", "gzipp": "",
	} {
		got, body := f.accepting(t, "/metrics", "Accept-Encoding", accept)
		if got := got.Get("Content-Encoding"); got != want {
			t.Errorf("%q: Content-Encoding %q, want %q", accept, got, want)
		}
		if !strings.Contains(body, simulated.OrgID(0)) {
			t.Errorf("%q: %s", accept, body)
		}
	}
	if log.String() != "" {
		t.Errorf("the log:\n%s", log.String())
	}
}

// accepting returns the header and decoded body of the response to a request with an
// additional header.
func (f *fixture) accepting(tb testing.TB, path, name, value string) (header http.Header, body string) {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, path, nil)
	r.Header.Set(name, value)
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Fatalf("%s with %s %q: status %d", path, name, value, w.Code)
	}
	if w.Header().Get("Content-Encoding") != "gzip" {
		return w.Header(), w.Body.String()
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return w.Header(), string(b)
}

// FuzzNegotiation checks that a client gets all metrics, in the format and encoding that
// the headers declare, and that nothing is logged.
func FuzzNegotiation(f *testing.F) {
	for _, accept := range []string{"", "*/*", "text/html", "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0", "application/openmetrics-text;version=9;escaping=x", "application/vnd.google.protobuf;proto=x", "a/b;q=", ";;", "\x00"} {
		for _, encoding := range []string{"", "gzip", "gzip;q=0", "*;q=0, identity;q=0", "zstd", ";q=1", "\x00"} {
			f.Add(accept, encoding)
		}
	}
	var log testlog.Buffer
	fx := start(f, 1, web.Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	f.Fuzz(func(t *testing.T, accept, encoding string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/probe?target="+simulated.OrgID(0), nil)
		r.Header["Accept"], r.Header["Accept-Encoding"] = []string{accept}, []string{encoding}
		w := httptest.NewRecorder()
		fx.handler.ServeHTTP(w, r)
		body := w.Body.Bytes()
		if w.Header().Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		if w.Code != http.StatusOK || !bytes.Contains(body, []byte(simulated.OrgID(0))) || log.String() != "" {
			t.Fatalf("%q, %q: HTTP %d, %s\n%q", accept, encoding, w.Code, log.String(), body)
		}
	})
}
