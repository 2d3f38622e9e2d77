package opsmanager

import (
	"net"
	"sync/atomic"

	"opsmanager_exporter/collector/opsmanager/digest"
)

// connection knows of a connection what net/http does not tell: above all,
// whether something came over it that nobody asked for. An HTTP/1.1 answer carries
// no sign of the request that it belongs to: behind one answer too many, each is
// taken for the answer to the next request. Where the one too many came after the
// next request was written, only what follows tells: in the end there is an answer
// without a request. So a connection that ever held one is tainted, and what was
// read from it before is not to be trusted either.
type connection struct {
	net.Conn
	route   digest.Route
	retired *atomic.Bool // that its transport keeps no connections any more

	ended      atomic.Bool // read to its end: net/http calls a line of headers that breaks off malformed
	written    atomic.Bool // something was
	spokeFirst atomic.Bool // something was read before that: HTTP and TLS servers do not speak first

	encrypted atomic.Bool
	phase     atomic.Int32
	served    atomic.Bool  // an answer was read whole
	behind    atomic.Bool  // and it is not known yet whether something is left behind it
	unasked   atomic.Int64 // bytes that came while no request was out
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

// maxAlert is the most that a TLS server says on an idle connection, its
// close_notify: 23 to 31 bytes, or 53 to 85 with a CBC cipher. Session tickets
// come before the first answer, and no answer is as short as that in TLS.
const maxAlert = 85

func newConnection(conn net.Conn, retired *atomic.Bool) *connection {
	return &connection{Conn: conn, retired: retired}
}

// take makes the connection a request's. encrypted says that there is TLS on it.
func (c *connection) take(encrypted bool) {
	c.encrypted.Store(encrypted)
	c.phase.Store(phaseTaken)
}

// idle notes that the answer was read whole, before the next read begins.
func (c *connection) idle() {
	c.behind.Store(true)
	c.served.Store(true)
	c.phase.CompareAndSwap(phaseRead, phaseIdle) // or the next request has it already
}

// began tells, when an answer begins, whether it can be one to the last request:
// something was read since that was written, and nothing before that.
func (c *connection) began() bool { return c.phase.Load() == phaseRead && !c.tainted.Load() }

// suspect tells whether what was read from the connection cannot be trusted.
func (c *connection) suspect() bool { return c.tainted.Load() }

// taint ends a connection that held an answer too many.
func (c *connection) taint() {
	c.tainted.Store(true)
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
			c.phase.CompareAndSwap(phaseAsked, phaseRead)
		case phaseIdle, phaseTaken:
			if c.served.Load() {
				c.heard(n)
			}
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

// heard notes that bytes came while no request was out.
func (c *connection) heard(n int) {
	if all := c.unasked.Add(int64(n)); all > maxAlert || !c.encrypted.Load() {
		c.taint()
	}
}

func (c *connection) Write(b []byte) (int, error) {
	c.written.Store(true)
	c.phase.CompareAndSwap(phaseTaken, phaseAsked)
	return c.Conn.Write(b)
}

// Close is called by net/http. Where it has not tried to read behind the last
// answer, there was something.
func (c *connection) Close() error {
	if c.behind.Load() && !c.retired.Load() {
		c.tainted.Store(true)
	}
	return c.Conn.Close()
}
