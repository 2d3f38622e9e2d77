package faults_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"unicode/utf16"

	"opsmanager_exporter/collector/opsmanager/simulator"
)

// bodied responds with 200 and a body.
func bodied(body string) simulator.Answer {
	return simulator.Body(http.StatusOK, "application/json", body)
}

// encoded responds with 200, a body and a Content-Encoding.
func encoded(coding, body string) simulator.Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", coding)
		bodied(body)(w, r)
	}
}

func gzipped(parts ...string) string {
	var b bytes.Buffer
	for _, part := range parts { // one member each
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, part)
		_ = w.Close()
	}
	return b.String()
}

func deflated(body string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = io.WriteString(w, body)
	_ = w.Close()
	return b.String()
}

func utf16Of(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		b.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	return b.String()
}

func bodyFaults() []fault {
	faults := []fault{
		{name: "gzip", want: "1", answer: encoded("gzip", gzipped(syncedBody))},
		{name: "gzip in two members", want: "1", answer: encoded("gzip", gzipped(syncedBody[:9], syncedBody[9:]))},
		{name: "gzip without its checksum", want: "bad_response", answer: simulator.BrokenGzip()},
		{name: "gzip cut", want: "bad_response", answer: encoded("gzip", gzipped(syncedBody)[:20])},
		{name: "gzip with a wrong checksum", want: "bad_response", answer: encoded("gzip", gzipped(syncedBody)[:30]+"xxxx"+gzipped(syncedBody)[34:])},
		{name: "gzip and more", want: "bad_response", answer: encoded("gzip", gzipped(syncedBody)+"more")},
		{name: "gzip of two values", want: "bad_response", answer: encoded("gzip", gzipped(syncedBody, syncedBody))},
		{name: "gzip not declared", want: "bad_response", answer: bodied(gzipped(syncedBody))},
		{name: "gzip declared, not compressed", want: "bad_response", answer: encoded("gzip", syncedBody)},
		{name: "gzip declared twice", want: "bad_response", answer: encoded("gzip, gzip", gzipped(gzipped(syncedBody)))},
		{name: "gzip of nothing", want: "bad_response", answer: encoded("gzip", gzipped(""))},
		{name: "empty gzip", want: "bad_response", answer: encoded("gzip", "")},
		{name: "gzip bomb", want: "bad_response", answer: encoded("gzip", gzipped(strings.Repeat(" ", 1<<20)+syncedBody))},
		{name: "gzip bomb behind the status", want: "bad_response", answer: encoded("gzip", gzipped(syncedBody, strings.Repeat(" ", 1<<20)))},
		{name: "gzip bomb in a member", want: "bad_response", answer: encoded("gzip", gzipped(`{"status":"SYNCED","x":"`+strings.Repeat("x", 1<<20)+`"}`))},
		{name: "deflate", want: "bad_response", answer: encoded("deflate", deflated(syncedBody))},
		{name: "br", want: "bad_response", answer: encoded("br", syncedBody)},
		{name: "identity", want: "1", answer: encoded("identity", syncedBody)},

		{name: "charset ISO-8859-1", want: "1", answer: simulator.Body(200, "application/json;charset=ISO-8859-1", syncedBody)},
		{name: "unknown charset", want: "1", answer: simulator.Body(200, "application/json; charset=klingon", syncedBody)},
		{name: "no content type", want: "1", answer: simulator.Body(200, "", syncedBody)},
		{name: "UTF-16", want: "bad_response", answer: simulator.Body(200, "application/json; charset=utf-16", utf16Of(syncedBody))},
		{name: "byte order mark", want: "bad_response", answer: bodied("\ufeff" + syncedBody)},
		{name: "envelope with content", want: "bad_response", answer: simulator.Envelope("content")},
		{name: "envelope with envelope", want: "bad_response", answer: simulator.Envelope("envelope")},
		{name: "truncated JSON", want: "bad_response", answer: simulator.TruncatedJSON()},
		{name: "empty", want: "bad_response", answer: simulator.EmptyBody()},
		{name: "nested too deep", want: "bad_response", answer: bodied(`{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `,"status":"SYNCED"}`)},
		{name: "nested deep", want: "1", answer: bodied(`{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `,"status":"SYNCED"}`)},
	}
	for body, want := range map[string]string{
		" \t\r\n{ \"status\"\t:\n\"SYNCED\" }\n":          "1",
		`{"a":{"status":"NOT_SYNCED"},"status":"SYNCED"}`: "1",
		`{"Status":"NOT_SYNCED","status":"SYNCED"}`:       "1",
		`{"st\u0061tus":"\u0053YNCED"}`:                   "1",
		`{"status":"NOT_SYNCED"}`:                         "0",
		`{"status":"NOT\u005fSYNCED","x":1e400}`:          "0",

		`{"Status":"SYNCED"}`:                          "bad_response",
		`{"STATUS":"SYNCED"}`:                          "bad_response",
		`{"ſtatuſ":"SYNCED"}`:                          "bad_response", // equal if letter case is ignored
		`{"status ":"SYNCED"}`:                         "bad_response",
		`{"":"SYNCED"}`:                                "bad_response",
		`{"status":"SYNCED","status":"SYNCED"}`:        "bad_response",
		`{"status":"SYNCED","status":"NOT_SYNCED"}`:    "bad_response",
		`{"status":null,"status":"SYNCED"}`:            "bad_response",
		`{"status":"SYNCED","st\u0061tus":"SYNCED"}`:   "bad_response",
		`{"status":{"status":"SYNCED"}}`:               "bad_response",
		`{"content":{"status":"SYNCED"}}`:              "bad_response",
		`{"status":["SYNCED"]}`:                        "bad_response",
		`{"status":null}`:                              "bad_response",
		`{"status":true}`:                              "bad_response",
		`{"status":1}`:                                 "bad_response",
		`{"status":200,"content":{"status":"SYNCED"}}`: "bad_response",
		`{"status":"SYNCED"}{"status":"SYNCED"}`:       "bad_response",
		"{\"status\":\"SYNCED\"}\n{}":                  "bad_response",
		`{"status":"SYNCED"}]`:                         "bad_response",
		`{"status":"SYNCED"}x`:                         "bad_response",
		`x{"status":"SYNCED"}`:                         "bad_response",
		`[{"status":"SYNCED"}]`:                        "bad_response",
		`"SYNCED"`:                                     "bad_response",
		`SYNCED`:                                       "bad_response",
		`null`:                                         "bad_response",
		`{}`:                                           "bad_response",
		`[]`:                                           "bad_response",
		` `:                                            "bad_response",
		`{"status":"SYNCED",}`:                         "bad_response",
		`{"status":"SYNCED"`:                           "bad_response",
		`{"status":"SYNCED`:                            "bad_response",
		`{status:"SYNCED"}`:                            "bad_response",
		`{'status':'SYNCED'}`:                          "bad_response",
		`{"status":"SYNCED" /* up */}`:                 "bad_response",
		"{\"status\":\"SYNCED\n\"}":                    "bad_response",
		"{\"status\":\"SYNCED\"}\x00":                  "bad_response",
		`{"status":"\uSYNCED"}`:                        "bad_response",
		`{"status";"SYNCED"}`:                          "bad_response",
		`<?xml version="1.0"?><status>SYNCED</status>`: "bad_response",
		`status: SYNCED`:                               "bad_response",
		`callback({"status":"SYNCED"})`:                "bad_response",
		`{"reason":"Bad Request","error":400}`:         "bad_response",

		`{"status":"synced"}`:            "unknown_status",
		`{"status":"Synced"}`:            "unknown_status",
		`{"status":"not_synced"}`:        "unknown_status",
		`{"status":"SYNCING"}`:           "unknown_status",
		`{"status":"SYNCED "}`:           "unknown_status",
		`{"status":" SYNCED"}`:           "unknown_status",
		`{"status":"SYNCED\n"}`:          "unknown_status",
		`{"status":"SYNCED\u0000"}`:      "unknown_status",
		`{"status":"NOT SYNCED"}`:        "unknown_status",
		`{"status":"NOT-SYNCED"}`:        "unknown_status",
		`{"status":"NOTSYNCED"}`:         "unknown_status",
		`{"status":"ЅYNCED"}`:            "unknown_status", // Cyrillic
		`{"status":"SYNCED\ud800"}`:      "unknown_status",
		`{"status":""}`:                  "unknown_status",
		`{"status":"1"}`:                 "unknown_status",
		`{"status":"true"}`:              "unknown_status",
		"{\"status\":\"SYNCED\xff\"}":    "unknown_status",
		`{"status":"SYNCED,NOT_SYNCED"}`: "unknown_status",
	} {
		faults = append(faults, fault{name: body, want: want, answer: bodied(body)})
	}
	return faults
}
