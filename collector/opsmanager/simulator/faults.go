package simulator

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const syncedBody = `{"status": "SYNCED"}`

// Truncated announces the full Content-Length, sends half of the body and closes the
// connection.
func Truncated() Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		begin(w, r, len(syncedBody))
		send(w, syncedBody[:len(syncedBody)/2])
		panic(http.ErrAbortHandler)
	}
}

// TruncatedJSON is a complete response with incomplete JSON.
func TruncatedJSON() Answer { return Body(http.StatusOK, jsonType, `{"status": "SYNC`) }

// SlowBody sends SYNCED one byte per interval.
func SlowBody(interval time.Duration) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		report(r, "SYNCED")
		begin(w, r, len(syncedBody))
		for i := range len(syncedBody) {
			send(w, syncedBody[i:i+1])
			sleep(r.Context(), interval)
		}
	}
}

// HugeBody sends SYNCED in a valid JSON object of n bytes, or more if n is too small.
func HugeBody(n int) Answer {
	const before, after = `{"status": "SYNCED", "padding": "`, `"}`
	padding := max(0, n-len(before)-len(after))
	return func(w http.ResponseWriter, r *http.Request) {
		begin(w, r, len(before)+padding+len(after))
		chunk := bytes.Repeat([]byte("x"), min(padding, 32<<10))
		_, err := io.WriteString(w, before)
		for left := padding; left > 0 && err == nil; left -= len(chunk) {
			_, err = w.Write(chunk[:min(left, len(chunk))])
		}
		_, _ = io.WriteString(w, after) // fails only if the client has disconnected
	}
}

// Hang never responds. It ends when the client disconnects or the server is closed.
func Hang() Answer {
	return func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
}

// Reset resets the connection (TCP RST) without a response.
func Reset() Answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		c := rawConn(hijack(w))
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// Cut sends the status line and one header line and closes the connection.
func Cut() Answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		c := hijack(w)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
		_ = rawConn(c).Close()
	}
}

// Redirect redirects the client to location with the status code.
func Redirect(location string, code int) Answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		write(w, code, nil)
	}
}

// CloseAfter gives the answer with Connection: close and closes the connection.
func CloseAfter(a Answer) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		a(w, r)
	}
}

// DuplicateHeaders responds with SYNCED, two content types and two versions.
func DuplicateHeaders() Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		report(r, "SYNCED")
		setHeaders(w, r)
		h := w.Header()
		h["Content-Type"] = []string{jsonType, "text/html"}
		h[versionHeader] = append(h[versionHeader], "gitHash=0; versionString=0.0.0.0.20000101T0000Z")
		write(w, http.StatusOK, []byte(syncedBody))
	}
}

// Gzip compresses the body of a, even if the client does not accept gzip.
func Gzip(a Answer) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		plain := r.WithContext(r.Context())
		plain.Header = r.Header.Clone()
		plain.Header.Del("Accept-Encoding")
		held := &holder{ResponseWriter: w, status: http.StatusOK}
		a(held, plain)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		write(w, held.status, zip(held.body.Bytes()))
	}
}

// BrokenGzip sends SYNCED as a gzip stream with all of its data but no checksum.
func BrokenGzip() Answer {
	zipped := zip([]byte(syncedBody))
	zipped = zipped[:len(zipped)-8] // CRC-32 and length (RFC 1952, section 2.3)
	return func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w, r)
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Encoding", "gzip")
		write(w, http.StatusOK, zipped)
	}
}

// holder buffers a response. It has no Unwrap method, so nothing bypasses it.
type holder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *holder) WriteHeader(status int)      { h.status = status }
func (h *holder) Write(b []byte) (int, error) { return h.body.Write(b) }

// begin sends the headers of a 200 response.
func begin(w http.ResponseWriter, r *http.Request, length int) {
	setHeaders(w, r)
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(http.StatusOK)
}

// send writes s and flushes it.
func send(w http.ResponseWriter, s string) {
	_, _ = io.WriteString(w, s) // fails only if the client has disconnected
	_ = http.NewResponseController(w).Flush()
}

// hijack takes over the connection.
func hijack(w http.ResponseWriter) net.Conn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return c
}
