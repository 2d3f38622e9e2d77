package web

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	// maxBacklog is the maximum size of all responses being sent, in bytes.
	maxBacklog = 16 << 20
	// atOnce is how many responses of the size of the newest may be sent in any case.
	atOnce = 3
	// connectionSize is the approximate additional memory of a waiting connection, in
	// bytes.
	connectionSize = 32 << 10
)

// backlog holds the responses that are being sent. If they use too much memory, those
// whose clients do not read are aborted, so that clients that read always get their
// response. It is safe for concurrent use.
type backlog struct {
	mu    sync.Mutex
	all   map[*sending]bool
	bytes int
}

// sending is a response that is being sent.
type sending struct {
	*backlog
	w http.ResponseWriter

	// Guarded by the mutex of the backlog.
	bytes   int       // not sent yet
	read    time.Time // when the client last read some of it
	givenUp bool
}

// send calls write to send a response. size is how many bytes of it are held in
// memory.
func (b *backlog) send(w http.ResponseWriter, size int, write func(*sending)) {
	extendWriteDeadline(w, 0)
	s := &sending{backlog: b, w: w, bytes: size + connectionSize, read: time.Now()}
	b.add(s)
	defer b.remove(s)
	write(s)
}

// sendPage sends a page and releases its memory on the way.
func (b *backlog) sendPage(w http.ResponseWriter, r *http.Request, p *page) {
	maps.Copy(w.Header(), p.header)
	w.Header().Set("Content-Length", strconv.Itoa(p.size))
	w.WriteHeader(p.code)
	if r.Method == http.MethodHead {
		return
	}
	b.send(w, p.size, func(s *sending) {
		for i, piece := range p.body {
			if _, err := s.Write(piece); err != nil {
				return // the client is gone or does not read
			}
			p.body[i] = nil
			s.sent(len(piece))
		}
	})
}

func (b *backlog) add(s *sending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += s.bytes
	for b.bytes > max(maxBacklog, atOnce*s.bytes) { // never for s alone
		b.giveUp(b.slowest())
	}
	if b.all == nil {
		b.all = make(map[*sending]bool)
	}
	b.all[s] = true
}

// slowest returns the response with the largest product of unsent bytes and time
// since its client last read. The caller holds the mutex.
func (b *backlog) slowest() *sending {
	now := time.Now()
	var slowest *sending
	var most float64
	for s := range b.all {
		if waiting := float64(s.bytes) * now.Sub(s.read).Seconds(); slowest == nil || waiting > most {
			slowest, most = s, waiting
		}
	}
	return slowest
}

// giveUp aborts a response, including a blocked write. The caller holds the mutex.
func (b *backlog) giveUp(s *sending) {
	b.forget(s)
	s.givenUp = true
	// The mutex keeps the handler from returning during this call.
	_ = http.NewResponseController(s.w).SetWriteDeadline(time.Unix(1, 0))
}

func (b *backlog) forget(s *sending) {
	if b.all[s] {
		delete(b.all, s)
		b.bytes -= s.bytes
	}
}

func (b *backlog) remove(s *sending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(s)
}

var errGivenUp = errors.New("the client does not read")

// Write implements io.Writer.
func (s *sending) Write(p []byte) (int, error) {
	s.mu.Lock()
	givenUp := s.givenUp
	s.read = time.Now()
	s.mu.Unlock()
	if givenUp {
		return 0, errGivenUp
	}
	return s.w.Write(p)
}

// sent records that n bytes are no longer held in memory.
func (s *sending) sent(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.givenUp {
		s.bytes -= n
		s.backlog.bytes -= n
	}
}
