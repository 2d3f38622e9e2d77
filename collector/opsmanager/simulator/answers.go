package simulator

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const jsonType = "application/json"

// Status responds with a status, SYNCED, NOT_SYNCED or any other, formatted as in the
// API reference. It honors the query parameters pretty=true and envelope=true, and
// uses gzip if Accept-Encoding allows it.
func Status(s string) Answer {
	compact := `{"status": ` + quote(s) + `}`
	pretty := "{\n  \"status\": " + quote(s) + "\n}"
	pages := map[[2]bool]string{ // by pretty, envelope
		{false, false}: compact,
		{true, false}:  pretty,
		{false, true}:  envelope("content", compact),
		{true, true}: "{\n  \"status\": 200,\n  \"content\": " +
			strings.ReplaceAll(pretty, "\n", "\n  ") + "\n}",
	}
	return func(w http.ResponseWriter, r *http.Request) {
		page := pages[[2]bool{asked(r, "pretty"), asked(r, "envelope")}]
		report(r, s)
		writePage(w, r, []byte(page))
	}
}

// Flipping alternates between SYNCED and NOT_SYNCED. Periods are measured with the
// clock now, or time.Now if it is nil, from the call of Flipping. A period that is not
// positive never ends.
func Flipping(period time.Duration, now func() time.Time) Answer {
	if now == nil {
		now = time.Now
	}
	start := now()
	turns := []Answer{Status("SYNCED"), Status("NOT_SYNCED")}
	return func(w http.ResponseWriter, r *http.Request) {
		turn := 0
		if period > 0 && now().Sub(start)/period%2 != 0 {
			turn = 1
		}
		turns[turn](w, r)
	}
}

// Sequence gives one answer per request, in order, and repeats the last one. Without
// answers it is Status("SYNCED").
func Sequence(answers ...Answer) Answer {
	if len(answers) == 0 {
		return Status("SYNCED")
	}
	var next atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		i := min(next.Add(1), int64(len(answers))) - 1
		answers[i](w, r)
	}
}

// Envelope responds with SYNCED in an envelope that was not requested. The API
// reference calls the inner key content; old versions call it envelope.
func Envelope(innerKey string) Answer {
	return Body(http.StatusOK, jsonType, envelope(innerKey, `{"status": "SYNCED"}`))
}

// Body responds with any body and the headers of Ops Manager. An empty contentType
// sends no Content-Type.
func Body(status int, contentType, body string) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w, r)
		// A nil value prevents net/http from sniffing.
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		write(w, status, []byte(body))
	}
}

// EmptyBody responds with 200 and no body.
func EmptyBody() Answer { return Body(http.StatusOK, jsonType, "") }

// writePage sends a page, with gzip if the client accepts it.
func writePage(w http.ResponseWriter, r *http.Request, body []byte) {
	setHeaders(w, r)
	h := w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = zip(body)
	}
	write(w, http.StatusOK, body)
}

// setHeaders sets the headers of every authenticated response of Ops Manager. It sets
// the version header directly in the map because net/http would spell it
// X-Mongodb-Service-Version.
func setHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Strict-Transport-Security", "max-age=0; includeSubdomains;")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("X-Permitted-Cross-Domain-Policies", "none")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	if e := exchangeOf(r); e != nil {
		h[versionHeader] = []string{e.server.options.Version}
	}
}

const versionHeader = "X-MongoDB-Service-Version"

// write sends the headers, including Content-Length, and the body.
func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	//nolint:gosec // no browser reads this; it fails only if the client has disconnected
	_, _ = w.Write(body)
}

func asked(r *http.Request, parameter string) bool {
	return r.URL.RawQuery != "" && r.URL.Query().Get(parameter) == "true"
}

func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, weighted := strings.CutPrefix(strings.TrimSpace(weight), "q=0")
			return !weighted || strings.Trim(q, ".0") != ""
		}
	}
	return false
}

func envelope(innerKey, content string) string {
	return `{"status": 200, ` + quote(innerKey) + `: ` + content + `}`
}

// quote returns s as a JSON string.
func quote(s string) string {
	b, _ := json.Marshal(s) // never fails for a string
	return string(b)
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(b) // never fails for a buffer
	_ = z.Close()
	return out.Bytes()
}
