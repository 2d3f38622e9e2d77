// Package simulator is a MongoDB Ops Manager that is not there: an HTTP server
// on loopback that asks for a digest, answers and fails as Ops Manager does
// when it is asked for the status of an organization's migration link.
//
// It exists for tests and demonstrations. Where Ops Manager's behaviour is not
// documented it follows Jetty, the server that Ops Manager is built on.
package simulator

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a running simulated Ops Manager. All methods may be called at any
// time by any goroutine, Close excepted: an Answer must not call it.
type Server struct {
	options    Options
	hash       hashFunc
	url        string
	http       *http.Server
	cancel     context.CancelFunc
	served     chan struct{}
	closeOnce  sync.Once
	closeError error

	backEnds []*nonceStore
	turn     atomic.Uint64
	ledger   ledger
	synced   Answer
	shared   *shared
}

// shared is what the servers of one Ops Manager have in common.
type shared struct {
	counts counter
	limits limits

	mu   sync.RWMutex
	keys map[string]string // H(A1) of RFC 7616, section 3.4.2, by public key
	orgs map[string]Org
}

// Start starts a server. Unless it stands beside another it knows no key and no
// organization. The caller must close it.
func Start(o Options) (*Server, error) {
	o, err := o.completed()
	if err != nil {
		return nil, err
	}
	//nolint:noctx // listening on a loopback address does not wait for anything
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("start simulator: %w", err)
	}
	//nolint:forbidigo // a server's lifetime is its own, until Close
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		options: o,
		hash:    hashOf(o.Challenge.Algorithm),
		url:     scheme(o) + "://" + listener.Addr().String() + o.PathPrefix,
		cancel:  cancel,
		served:  make(chan struct{}),
		synced:  Status("SYNCED"),
	}
	if o.Beside != nil {
		s.shared = o.Beside.shared
	} else {
		s.shared = &shared{
			counts: counter{orgs: map[string]*Counts{}}, limits: limits{windows: map[string]window{}},
			keys: map[string]string{}, orgs: map[string]Org{},
		}
	}
	s.ledger = ledger{counts: &s.shared.counts, open: map[net.Conn]struct{}{}}
	for range o.Nonce.BackEnds {
		s.backEnds = append(s.backEnds, newNonceStore(o.Nonce, o.Now))
	}
	// No sample of Ops Manager speaks HTTP/2, and the network faults need the
	// connection to themselves.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		Protocols:         &protocols,
		ReadHeaderTimeout: 30 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         s.ledger.connection,
		// Failed handshakes and cut connections are what tests ask for.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	if o.TLS != nil {
		s.http.TLSConfig = o.TLS.Clone()
	}
	if o.Nonce.PerConnection {
		s.http.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, backEndKey{}, s.nextBackEnd())
		}
	}
	go s.accept(listener)
	return s, nil
}

func scheme(o Options) string {
	if o.TLS != nil {
		return "https"
	}
	return "http"
}

func (s *Server) accept(l net.Listener) {
	defer close(s.served)
	defer func() { _ = l.Close() }() // Serve usually has
	// Both return when Close closes the listener; what they say then is of no
	// interest.
	if s.options.TLS != nil {
		_ = s.http.ServeTLS(l, "", "")
		return
	}
	_ = s.http.Serve(l)
}

// URL is the base URL of the server: scheme, host, port and path prefix,
// without a slash at the end.
func (s *Server) URL() string { return s.url }

// Close closes the listener and all connections, and returns when every
// handler has ended. An Answer that hangs is expected to watch the context of
// its request. Further calls do nothing and return what the first did.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.ledger.refuse()
		s.cancel()
		s.closeError = s.http.Close()
		<-s.served
		// A connection that was accepted while the first call went through its
		// list is closed by this one.
		_ = s.http.Close()
		s.ledger.wait()
	})
	return s.closeError
}

// Restart forgets all nonces and closes every connection, as a restart of Ops
// Manager does. Requests that are being answered break.
func (s *Server) Restart() {
	s.ForgetNonces()
	s.ledger.closeConnections()
}

// ForgetNonces forgets all nonces: their next use is stale.
func (s *Server) ForgetNonces() {
	for _, b := range s.backEnds {
		b.forget()
	}
}

// backEndKey finds the back end of a connection in its context.
type backEndKey struct{}

// backEnd is the nonce store of the server that a request goes to.
func (s *Server) backEnd(ctx context.Context) *nonceStore {
	if b, ok := ctx.Value(backEndKey{}).(*nonceStore); ok {
		return b
	}
	return s.nextBackEnd()
}

func (s *Server) nextBackEnd() *nonceStore {
	return s.backEnds[(s.turn.Add(1)-1)%uint64(len(s.backEnds))]
}
