package opsmanager_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
)

func zip(t testing.TB, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, part := range parts { // one gzip member each
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// padded returns a synced body of n bytes.
func padded(n int) string {
	const before, after = `{"status":"SYNCED","padding":"`, `"}`
	return before + strings.Repeat("x", n-len(before)-len(after)) + after
}

// answering starts a server with one response; header lines are "Name: value".
func answering(t testing.TB, code int, body string, header ...string) string {
	return serve(t, challenging(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			if name == "Content-Type" {
				w.Header().Del(name)
			}
			w.Header().Add(name, value)
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body)) // fails for 204 and 304
	}))
}

func TestStatus(t *testing.T) {
	const gzipped = "Content-Encoding: gzip"
	for _, tt := range []struct {
		name, body string
		want       opsmanager.Status
		header     []string
	}{
		{"page", "{\n\"status\": \"SYNCED\"\n}", opsmanager.Synced, nil},
		{"compact", `{"status":"NOT_SYNCED"}`, opsmanager.NotSynced, nil},
		{"white space", " \t\r\n{ \"status\"\t:\r\n\"SYNCED\" } \n\n", opsmanager.Synced, nil},
		{"unknown members", `{"links":[{"status":"NOT_SYNCED"}],"status":"SYNCED","x":{"status":null},"n":1e9}`, opsmanager.Synced, nil},
		{"other case beside", `{"Status":"SYNCED","status":"NOT_SYNCED","STATUS":"SYNCED"}`, opsmanager.NotSynced, nil},
		{"escaped value", `{"status":"\u0053YNCED"}`, opsmanager.Synced, nil},
		{"escaped name", `{"st\u0061tus":"NOT\u005FSYNCED"}`, opsmanager.NotSynced, nil},
		{"charset", `{"status":"SYNCED"}`, opsmanager.Synced, []string{"Content-Type: application/json;charset=ISO-8859-1"}},
		{"unknown charset", `{"status":"SYNCED"}`, opsmanager.Synced, []string{"Content-Type: application/json; charset=klingon"}},
		{"other type", `{"status":"SYNCED"}`, opsmanager.Synced, []string{"Content-Type: text/plain"}},
		{"gzip", zip(t, `{"status":"SYNCED"}`), opsmanager.Synced, []string{gzipped}},
		{"x-gzip", zip(t, `{"status":"SYNCED"}`), opsmanager.Synced, []string{"Content-Encoding: X-GZip"}},
		{"gzip in two members", zip(t, `{"status":`, `"NOT_SYNCED"}`), opsmanager.NotSynced, []string{gzipped}},
		{"identity", `{"status":"SYNCED"}`, opsmanager.Synced, []string{"Content-Encoding: identity"}},
		{"64 KiB", padded(opsmanager.MaxBody), opsmanager.Synced, nil},
		{"64 KiB after gzip", zip(t, padded(opsmanager.MaxBody)), opsmanager.Synced, []string{gzipped}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, err := newRig(t, answering(t, http.StatusOK, tt.body, tt.header...), nil).poll(t)
			if status != tt.want || err != nil {
				t.Errorf("got %q, %v, want %q", status, err, tt.want)
			}
		})
	}
}

func TestNoStatus(t *testing.T) {
	const (
		value   = "the body is not a single JSON value"
		object  = "the body is not a JSON object"
		missing = "the body has no member named status"
		several = "the body has more than one member named status"
		kind    = "the status is not a string"
		large   = "the body is larger than 64 KiB"
		broken  = "the body is corrupt gzip"
		noGzip  = "the body is not gzip, contrary to its header"
		coding  = "the body has a content encoding that was not requested"
		gzipped = "Content-Encoding: gzip"
	)
	synced := zip(t, `{"status":"SYNCED"}`)
	flipped := []byte(synced)
	flipped[len(flipped)-5] ^= 1 // in the checksum
	for _, tt := range []struct{ name, body, text, header string }{
		{"other case of name", `{"Status":"SYNCED"}`, missing, ""},
		{"name with a space", `{"status ":"SYNCED"}`, missing, ""},
		{"envelope with content", `{"status":200,"content":{"status":"SYNCED"}}`, kind, ""},
		{"envelope with envelope", `{"status":200,"envelope":{"status":"SYNCED"}}`, kind, ""},
		{"envelope without code", `{"content":{"status":"SYNCED"}}`, missing, ""},
		{"two values", `{"status":"SYNCED"}{"status":"SYNCED"}`, value, ""},
		{"two lines", "{\"status\":\"SYNCED\"}\n{}", value, ""},
		{"trailing comma", `{"status":"SYNCED",}`, value, ""},
		{"duplicate", `{"status":"SYNCED","status":"SYNCED"}`, several, ""},
		{"duplicate by escape", `{"status":"SYNCED","st\u0061tus":"NOT_SYNCED"}`, several, ""},
		{"duplicate null", `{"status":null,"status":"SYNCED"}`, several, ""},
		{"null", `{"status":null}`, kind, ""},
		{"number", `{"status":1}`, kind, ""},
		{"object", `{"status":{"status":"SYNCED"}}`, kind, ""},
		{"array", `{"status":["SYNCED"]}`, kind, ""},
		{"bool", `{"status":true}`, kind, ""},
		{"array root", `[{"status":"SYNCED"}]`, object, ""},
		{"string root", `"SYNCED"`, object, ""},
		{"null root", `null`, object, ""},
		{"empty object", `{}`, missing, ""},
		{"bare", `SYNCED`, value, ""},
		{"empty", ``, value, ""},
		{"blank", " \n", value, ""},
		{"HTML", `<html><body>{"status":"SYNCED"}</body></html>`, value, "Content-Type: text/html"},
		{"truncated", `{"status":"SYNCED"`, value, ""},
		{"byte order mark", "\ufeff" + `{"status":"SYNCED"}`, value, ""},
		{"UTF-16", "{\x00\"\x00s\x00", value, ""},
		{"single quotes", `{'status':'SYNCED'}`, value, ""},
		{"too deep", `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `,"status":"SYNCED"}`, value, ""},
		{"over 64 KiB", padded(opsmanager.MaxBody + 1), large, ""},
		{"over 64 KiB in white space", `{"status":"SYNCED"}` + strings.Repeat(" ", opsmanager.MaxBody), large, ""},
		{"over 64 KiB after gzip", zip(t, padded(opsmanager.MaxBody+1)), large, gzipped},
		{"gzip bomb", zip(t, padded(8<<20)), large, gzipped},
		{"gzip without checksum", synced[:len(synced)-8], broken, gzipped},
		{"gzip cut", synced[:len(synced)-12], broken, gzipped},
		{"gzip with wrong checksum", string(flipped), broken, gzipped},
		{"gzip and more", synced + "more", broken, gzipped},
		{"gzip of two values", zip(t, `{"status":"SYNCED"}`, `{"status":"SYNCED"}`), value, gzipped},
		{"gzip header cut", synced[:5], noGzip, gzipped},
		{"plain as gzip", `{"status":"SYNCED"}`, noGzip, gzipped},
		{"empty as gzip", ``, noGzip, gzipped},
		{"gzip not declared", synced, value, ""},
		{"br", `{"status":"SYNCED"}`, coding, "Content-Encoding: br"},
		{"gzip twice", zip(t, synced), coding, "Content-Encoding: gzip, gzip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var header []string
			if tt.header != "" {
				header = []string{tt.header}
			}
			status, err := newRig(t, answering(t, http.StatusOK, tt.body, header...), nil).poll(t)
			failure{opsmanager.ReasonBadResponse, 200, "", "HTTP 200: " + tt.text}.check(t, status, err)
		})
	}
	t.Run("two content encodings", func(t *testing.T) {
		status, err := newRig(t, answering(t, http.StatusOK, synced, gzipped, "Content-Encoding: br"), nil).poll(t)
		failure{opsmanager.ReasonBadResponse, 200, "", "HTTP 200: " + coding}.check(t, status, err)
	})
}

func TestUnknownStatus(t *testing.T) {
	for name, tt := range map[string]struct{ status, quoted string }{
		"new":                  {`SYNCING`, ` "SYNCING"`},
		"32 letters":           {strings.Repeat("S", 32), ` "` + strings.Repeat("S", 32) + `"`},
		"33 letters":           {strings.Repeat("S", 33), ``},
		"other case":           {`synced`, ``},
		"mixed case":           {`Synced`, ``},
		"space behind":         {`SYNCED `, ``},
		"line feed":            {`SYNCED\n`, ``},
		"empty":                {``, ``},
		"free text":            {`see https://evil.example`, ``},
		"look-alike":           {`ＳYNCED`, ``},
		"zero byte":            {`SYNCED\u0000`, ``},
		"half a surrogate":     {`SYNCED\ud800`, ``},
		"the API key":          {strings.ToUpper(testPublic), ``},
		"around the API key":   {"NOT_" + strings.ToUpper(testPublic) + "_AT_ALL", ``},
		"with the other value": {`NOT_SYNCED_SYNCED`, ` "NOT_SYNCED_SYNCED"`},
	} {
		t.Run(name, func(t *testing.T) {
			status, err := newRig(t, answering(t, http.StatusOK, `{"status":"`+tt.status+`"}`), nil).poll(t)
			failure{
				opsmanager.ReasonUnknownStatus, 200, "",
				"HTTP 200: the status" + tt.quoted + " is neither SYNCED nor NOT_SYNCED",
			}.check(t, status, err)
		})
	}
}

// Only a 200 has a status, before and after authentication.
func TestStatusOfOtherCodes(t *testing.T) {
	for code, reason := range map[int]opsmanager.Reason{
		201: opsmanager.ReasonBadResponse, 202: opsmanager.ReasonBadResponse, 203: opsmanager.ReasonBadResponse,
		204: opsmanager.ReasonBadResponse, 205: opsmanager.ReasonBadResponse, 206: opsmanager.ReasonBadResponse,
		226: opsmanager.ReasonBadResponse, 299: opsmanager.ReasonBadResponse,
		400: opsmanager.ReasonBadResponse, 402: opsmanager.ReasonBadResponse, 405: opsmanager.ReasonBadResponse,
		407: opsmanager.ReasonBadResponse, 410: opsmanager.ReasonBadResponse, 499: opsmanager.ReasonBadResponse,
		600: opsmanager.ReasonBadResponse, 999: opsmanager.ReasonBadResponse,
		300: opsmanager.ReasonRedirect, 304: opsmanager.ReasonRedirect, 399: opsmanager.ReasonRedirect,
		403: opsmanager.ReasonForbidden, 404: opsmanager.ReasonNotFound, 429: opsmanager.ReasonRateLimited,
		500: opsmanager.ReasonServerError, 599: opsmanager.ReasonServerError,
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			status, err := newRig(t, answering(t, code, `{"status":"SYNCED"}`), nil).poll(t)
			failure{reason, code, "", fmt.Sprintf("HTTP %d", code)}.check(t, status, err)
		})
	}
	t.Run("401", func(t *testing.T) {
		status, err := newRig(t, answering(t, 401, `{"status":"SYNCED"}`), nil).poll(t)
		failure{
			opsmanager.ReasonUnauthorized, 401, "",
			"HTTP 401: the response has no digest challenge",
		}.check(t, status, err)
	})
}

// Only a link that is not synced needs a fix.
func TestFixOfStatus(t *testing.T) {
	for status, want := range map[opsmanager.Status]bool{opsmanager.Synced: false, opsmanager.NotSynced: true, "": false, "OTHER": false} {
		if fix := status.Fix(); (fix != "") != want {
			t.Errorf("%q: %q", status, fix)
		}
	}
}
