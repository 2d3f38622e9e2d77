package opsmanager

import (
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"opsmanager_exporter/collector/opsmanager/digest"
)

// connection knows of a connection what net/http does not tell: above all,
// whether something came over it that nobody asked for. An HTTP/1.1 answer carries
// no sign of the request that it belongs to: behind one answer too many, each is
// taken for the answer to the next request. If the one too many comes before that
// request is written, it is seen. If it comes later, only what follows tells: in
// the end there is an answer without a request. So a connection that held one is
// tainted, and what was read from it before is not to be trusted either.
type connection struct {
	net.Conn
	transport *transport
	route     digest.Route

	ended      atomic.Bool // read to its end: net/http calls a line of headers that breaks off malformed
	written    atomic.Bool // something was
	spokeFirst atomic.Bool // something was read before that: HTTP and TLS servers do not speak first

	encrypted atomic.Bool
	phase     atomic.Int32
	idleSince atomic.Pointer[time.Time] // nil before the first answer was read whole
	behind    atomic.Bool               // that was just now: something may be left behind it
	second    atomic.Bool               // and what was read for it holds another answer, or is encrypted
	unasked   atomic.Int64              // bytes that came since
	tainted   atomic.Bool
}

// The phases of a connection, which goroutines of net/http bring about one after
// the other.
const (
	phaseIdle  int32 = iota // new, or the answer was read whole
	phaseTaken              // a request got it
	phaseAsked              // which is being written
	phaseRead               // and something was read since
)

const (
	// maxAlert is the most, in bytes, that a TLS server says on an idle connection
	// to end it: a close_notify takes 23 to 31, or 53 or 69 with a CBC cipher, and
	// Java sends another alert before it. An answer takes 80 at least. Session
	// tickets come before the first answer.
	maxAlert = 70
	// goodBye is how long a connection is idle before what comes is the word of a
	// server that ends it, as some do with a 408, and no answer that is late.
	goodBye = 5 * time.Second
)

// take makes the connection a request's. encrypted says that there is TLS on it.
func (c *connection) take(encrypted bool) {
	c.encrypted.Store(encrypted)
	c.second.Store(encrypted)
	c.phase.Store(phaseTaken)
}

// idle notes that the answer was read whole, before the next read begins.
func (c *connection) idle() {
	now := time.Now()
	c.idleSince.Store(&now)
	c.unasked.Store(0)
	c.behind.Store(true)
	c.phase.CompareAndSwap(phaseRead, phaseIdle) // or the next request has it already
}

// began tells, when an answer begins, whether it can be one to the last request:
// something was read since that was written, and nothing before that.
func (c *connection) began() bool { return c.phase.Load() == phaseRead && !c.tainted.Load() }

// refuse ends a connection whose answer cannot be one to its request. On a new one
// that is a server that speaks first, otherwise an answer too many.
func (c *connection) refuse() {
	if c.idleSince.Load() == nil {
		c.end()
		return
	}
	c.taint()
}

// taint ends a connection that held an answer too many.
func (c *connection) taint() {
	c.tainted.Store(true)
	c.transport.distrust()
	c.Conn.Close()
}

// end closes the connection, whatever may still come.
func (c *connection) end() {
	c.behind.Store(false)
	c.Conn.Close()
}

func (c *connection) Read(b []byte) (int, error) {
	c.behind.Store(false) // net/http has used up what it had read
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

// look notes whether an answer begins in what was read behind the beginning of
// the one that was asked for. What is left of a body with a wrong length is none.
func (c *connection) look(b []byte) {
	if bytes.Contains(b, []byte("HTTP/1.")) {
		c.second.Store(true)
	}
}

// heard notes what came while no request was out. In the clear, it is an answer
// too many only if it begins like one.
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

// Close is called by net/http. Where it does so without a try to read on, there
// was something behind the last answer.
func (c *connection) Close() error {
	if c.behind.Load() && c.second.Load() && !c.transport.retired.Load() {
		c.taint()
	}
	return c.Conn.Close()
}
