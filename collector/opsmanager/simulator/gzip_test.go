package simulator

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestGzip(t *testing.T) {
	tests := []struct {
		name   string
		answer Answer
		accept string
		zipped bool
		body   string
	}{
		{"not accepted", Status("SYNCED"), "", false, syncedBody},
		{"accepted", Status("SYNCED"), "br, GZIP ;q=0.5", true, syncedBody},
		{"refused", Status("SYNCED"), "gzip;q=0.0", false, syncedBody},
		{"forced", Gzip(Status("SYNCED")), "", true, syncedBody},
		{"forced and accepted", Gzip(Status("SYNCED")), "gzip", true, syncedBody},
		{"forced error", Gzip(Body(500, "text/plain", "no")), "", true, "no"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var reported int
			s := start(t, Options{OnStatus: func(string, string) { reported++ }}, Org{Answer: func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("Accept-Encoding", tt.accept)
				tt.answer(w, r)
			}})
			r := login(t, client(t), s, http.MethodGet, testPath)
			body := r.body
			if tt.zipped {
				z, err := gzip.NewReader(strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				plain, err := io.ReadAll(z)
				if err != nil {
					t.Fatal(err)
				}
				body = string(plain)
			}
			if body != tt.body || (r.header.Get("Content-Encoding") == "gzip") != tt.zipped {
				t.Errorf("got %q, %v", body, r.header)
			}
			if reported != one(r.status == 200) {
				t.Errorf("reported %d times", reported)
			}
		})
	}
}

func TestBrokenGzip(t *testing.T) {
	s := start(t, Options{}, Org{Answer: BrokenGzip()})
	r := login(t, client(t), s, http.MethodGet, testPath)
	z, err := gzip.NewReader(bytes.NewReader([]byte(r.body)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); !errors.Is(err, io.ErrUnexpectedEOF) || string(got) != syncedBody {
		t.Errorf("got %q, %v", got, err)
	}
}
