package opsmanager_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
)

// FuzzStatus compares the result of the client with an independent oracle.
func FuzzStatus(f *testing.F) {
	for _, body := range []string{
		`{"status":"SYNCED"}`, " {\n\"status\" : \"NOT_SYNCED\" }\n", `{"a":[{"status":"SYNCED"}],"status":"SYNCED","b":{}}`,
		`{"st\u0061tus":"\u0053YNCED"}`, `{"status":"SYNCED","status":"SYNCED"}`, `{"status":"SYNCED","st\u0061tus":1}`,
		`{"Status":"SYNCED"}`, `{"status":"synced"}`, `{"status":"SYNCING"}`, `{"status":null}`, `{"status":["SYNCED"]}`,
		`{"status":200,"content":{"status":"SYNCED"}}`, `{"status":"SYNCED"}{}`, `[{"status":"SYNCED"}]`, `"SYNCED"`, `null`, ``,
		"\ufeff{\"status\":\"SYNCED\"}", `{"status":"SYNCED"`, `<html>`, "{\"status\":\"SYNCED\xff\"}", `{"":"","status":"SYNCED"}`,
		`{"errorCode":"USER_UNAUTHORIZED","parameters":[]}`, `{"errorCode":"IP_ADDRESS_NOT_ON_ACCESS_LIST","parameters":["192.0.2.1"]}`,
	} {
		for _, code := range []int{200, 201, 401, 403, 500} {
			f.Add([]byte(body), code, "")
		}
		f.Add([]byte(zip(f, body)), 200, "gzip")
		f.Add([]byte(body), 200, "gzip")
	}
	f.Add([]byte(`{"status":"SYNCED"}`), 200, "br")
	f.Add([]byte(zip(f, padded(opsmanager.MaxBody+1))), 200, "GZIP")
	f.Fuzz(func(t *testing.T, body []byte, code int, encoding string) {
		header := http.Header{}
		if encoding != "" {
			header.Set("Content-Encoding", encoding)
		}
		status, err := opsmanager.StatusOf(code, header, body, keyOf(testPublic, testPrivate))
		want := opsmanager.Status("")
		if plain, ok := decode(body, encoding); ok && code == http.StatusOK && len(body) <= opsmanager.MaxBody {
			want = oracle(plain)
		}
		if status != want || (err == nil) != (want != "") {
			t.Fatalf("got %q, %v, want %q", status, err, want)
		}
		if err != nil {
			if reason := opsmanager.ReasonOf(err); !slices.Contains(opsmanager.Reasons(), reason) {
				t.Errorf("reason %q", reason)
			}
			if text := strings.ToLower(err.Error()); strings.Contains(text, testPublic) || strings.Contains(text, testPrivate) {
				t.Errorf("error %q", text)
			}
		}
	})
}

func decode(body []byte, encoding string) ([]byte, bool) {
	switch strings.ToLower(encoding) {
	case "", "identity":
		return body, true
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, false
		}
		plain, err := io.ReadAll(io.LimitReader(r, opsmanager.MaxBody+1))
		return plain, err == nil && len(plain) <= opsmanager.MaxBody
	}
	return nil, false
}

// oracle decodes a body into a map, and counts the members named status itself.
func oracle(body []byte) opsmanager.Status {
	var members map[string]any
	if json.Unmarshal(body, &members) != nil || countStatus(body) != 1 {
		return ""
	}
	if s, ok := members["status"].(string); ok && (s == "SYNCED" || s == "NOT_SYNCED") {
		return opsmanager.Status(s)
	}
	return ""
}

// countStatus counts the members named status of the outermost object of valid JSON: the
// strings at depth one that are followed by a colon.
func countStatus(body []byte) (count int) {
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			start := i
			for i++; body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
			behind := bytes.TrimLeft(body[i+1:], " \t\r\n")
			var name string
			if depth == 1 && len(behind) > 0 && behind[0] == ':' && json.Unmarshal(body[start:i+1], &name) == nil && name == "status" {
				count++
			}
		}
	}
	return count
}

func FuzzVersion(f *testing.F) {
	for _, header := range []string{
		"gitHash=f7bdac40; versionString=4.2.4.56729.20191105T2247Z", "versionString=v20200901", "versionString=current; gitHash",
		"gitHash=; versionString=", "versionString", ";;=;", "versionString=8.0.0-rc0", " versionString=1.2 ;versionString=3.4", "versionString=1.2\n",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		version := opsmanager.ParseVersion(header)
		if version == "" {
			return
		}
		if len(version) > 64 || !strings.Contains(header, "versionString="+version) ||
			strings.Trim(version, "0123456789.TZcurentv-") != "" {
			t.Fatalf("got %q", version)
		}
	})
}

// FuzzAnswer sends arbitrary bytes as the response. If the client reads a status from
// them, net/http and the oracle must parse them as a response with code 200 and that
// status in its body.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"status\":\"SYNCED\"}", "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"NOT_SYNCED\"}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n{\"status\":\"SYNCED\"}\r\n0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{\"status\":\"SYNCED\"}",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zip(f, `{"status":"SYNCED"}`), "HTTP/1.1 200 OK\r\nAge: 7\r\n\r\n{\"status\":\"SYNCED\"}",
		"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\", qop=\"auth\", stale=true\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 403 No\r\nContent-Length: 33\r\n\r\n{\"errorCode\":\"USER_UNAUTHORIZED\"}", "HTTP/1.1 302 No\r\nLocation: http://192.0.2.1/\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 19\r\n\r\n{\"status\":\"SYNCED\"}", "HTTP/1.1 101 Switching\r\n\r\n{\"status\":\"SYNCED\"}", "",
		"{\"status\":\"SYNCED\"}", "HTTP/1.1 200 OK\r\nX-MongoDB-Service-Version: versionString=8.0\r\n\r\n{\"status\":\"SYNCED\",\"status\":\"SYNCED\"}",
	} {
		f.Add([]byte(answer))
	}
	var current atomic.Pointer[[]byte]
	address := listen(f, func(c net.Conn, _ int) {
		if _, err := request(c, bufio.NewReader(c)); err == nil {
			_, _ = c.Write(*current.Load())
		}
	})
	r := newRig(f, "http://"+address, func(o *opsmanager.Options) { o.Observe = nil })
	f.Fuzz(func(t *testing.T, answer []byte) {
		current.Store(&answer)
		status, err := r.poll(t)
		if (status == "") == (err == nil) {
			t.Fatalf("got %q, %v", status, err)
		}
		if err != nil {
			if reason := opsmanager.ReasonOf(err); !slices.Contains(opsmanager.Reasons(), reason) {
				t.Errorf("reason %q", reason)
			}
			return
		}
		in := bufio.NewReader(bytes.NewReader(answer))
		resp, err := http.ReadResponse(in, nil)
		for err == nil && resp.StatusCode >= 100 && resp.StatusCode <= 199 {
			resp, err = http.ReadResponse(in, nil)
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("got %q from %q", status, answer)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("got %q from a body that breaks: %q", status, answer)
		}
		if plain, ok := decode(body, resp.Header.Get("Content-Encoding")); !ok || oracle(plain) != status {
			t.Fatalf("got %q from %q", status, answer)
		}
	})
}
