package opsmanager

import (
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
)

// connection tracks what net/http does not report about a connection, above all
// whether the server sent an unsolicited response. An HTTP/1.1 response does not
// identify its request: after an unsolicited response, each response is mistaken for
// one to the next request. An unsolicited response is detected at once if it arrives
// before the next request is written. Otherwise it is detected when there is eventually
// a response without a request. The connection is then tainted, and earlier responses
// on it are not trusted either.
type connection struct {
	net.Conn
	transport *transport
	route     digest.Route

	ended      atomic.Bool // a read failed; net/http reports a truncated header line as malformed
	written    atomic.Bool // something was written
	spokeFirst atomic.Bool // something was read before that: HTTP and TLS servers do not speak first

	encrypted atomic.Bool
	phase     atomic.Int32
	idleSince atomic.Pointer[time.Time] // nil before the first complete response
	behind    atomic.Bool               // no read since that response: net/http may hold unread data
	second    atomic.Bool               // the data read for it holds another response, or is encrypted
	unasked   atomic.Int64              // bytes read since it
	tainted   atomic.Bool
}

// The phases of a connection, set in turn by goroutines of net/http.
const (
	phaseIdle  int32 = iota // new, or the response was read completely
	phaseTaken              // assigned to a request
	phaseAsked              // the request is being written
	phaseRead               // something was read since
)

const (
	// maxAlert is the most, in bytes, that a TLS server sends on an idle connection to
	// close it: a close_notify takes 23 to 31, or 53 or 69 with a CBC cipher, and Java
	// sends another alert before it. A response takes at least 80. Session tickets
	// precede the first response.
	maxAlert = 70
	// goodBye is the idle time after which data is taken for the server's closing
	// message, such as a 408, and no longer for a late response.
	goodBye = 5 * time.Second
)

// take assigns the connection to a request. encrypted reports whether it uses TLS.
func (c *connection) take(encrypted bool) {
	c.encrypted.Store(encrypted)
	c.second.Store(encrypted)
	c.phase.Store(phaseTaken)
}

// idle records that the response was read completely. It is called before the next
// read.
func (c *connection) idle() {
	now := time.Now()
	c.idleSince.Store(&now)
	c.unasked.Store(0)
	c.behind.Store(true)
	c.phase.CompareAndSwap(phaseRead, phaseIdle) // fails if the next request has it already
}

// began reports, at the first byte of a response, whether it can belong to the last
// request: something was read since the request was written, and nothing before.
func (c *connection) began() bool { return c.phase.Load() == phaseRead && !c.tainted.Load() }

// refuse closes a connection whose response cannot belong to its request. On a new
// connection the server speaks first; otherwise the response is unsolicited.
func (c *connection) refuse() {
	if c.idleSince.Load() == nil {
		c.end()
		return
	}
	c.taint()
}

// taint closes a connection that held an unsolicited response.
func (c *connection) taint() {
	c.tainted.Store(true)
	c.transport.distrust()
	c.Conn.Close()
}

// end closes the connection without regard to unread data.
func (c *connection) end() {
	c.behind.Store(false)
	c.Conn.Close()
}

func (c *connection) Read(b []byte) (int, error) {
	c.behind.Store(false) // net/http has consumed what it read before
	n, err := c.Conn.Read(b)
	if n > 0 {
		switch c.phase.Load() {
		case phaseAsked:
			c.look(b[1:n])
			c.phase.CompareAndSwap(phaseAsked, phaseRead)
		case phaseRead:
			c.look(b[:n])
		case phaseIdle, phaseTaken:
			c.heard(b[:n])
		}
		if !c.written.Load() {
			c.spokeFirst.Store(true)
		}
	}
	if err != nil {
		c.ended.Store(true)
	}
	return n, err
}

// look records whether another response begins in data read after the start of the
// expected one. The rest of a body with a wrong length is not a response.
func (c *connection) look(b []byte) {
	if bytes.Contains(b, []byte("HTTP/1.")) {
		c.second.Store(true)
	}
}

// heard handles data that arrives while no request is outstanding. Without TLS, it is
// an unsolicited response only if it begins like a response.
func (c *connection) heard(b []byte) {
	since := c.idleSince.Load()
	if since == nil || time.Since(*since) > goodBye {
		return
	}
	all := c.unasked.Add(int64(len(b)))
	const begins = "HTTP/1."
	if c.encrypted.Load() && all > maxAlert || !c.encrypted.Load() && strings.HasPrefix(begins, string(b[:min(len(b), len(begins))])) {
		c.taint()
	}
}

func (c *connection) Write(b []byte) (int, error) {
	c.written.Store(true)
	c.phase.CompareAndSwap(phaseTaken, phaseAsked)
	return c.Conn.Write(b)
}

// Close is called by net/http. If it does so without another read, there was data
// after the last response.
func (c *connection) Close() error {
	if c.behind.Load() && c.second.Load() && !c.transport.retired.Load() {
		c.taint()
	}
	return c.Conn.Close()
}
