// Package simulator simulates MongoDB Ops Manager: an HTTP server on loopback that
// authenticates, responds and fails like Ops Manager does for requests for the status
// of an organization's migration link and for the list of organizations. With service
// accounts it is a Cloud Manager.
//
// It is used in tests and demonstrations. Where the behavior of Ops Manager is not
// documented, it follows Jetty, the server on which Ops Manager is built.
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

// Server is a running simulated Ops Manager. It is safe for concurrent use, except that
// an Answer must not call Close.
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

// shared is the state shared by the servers of one Ops Manager.
type shared struct {
	counts counter
	limits limits
	tokens tokenStore

	mu       sync.RWMutex
	keys     map[string]string // H(A1) of RFC 7616, section 3.4.2, by public key
	accounts map[string]Account
	global   map[string]bool // by public key or client ID
	orgs     map[string]Org
	list     Answer
}

// Start starts a server. It has no key and no organization unless it is added to another
// server by [Options.Beside]. The caller must close it.
func Start(o Options) (*Server, error) {
	o, err := o.completed()
	if err != nil {
		return nil, err
	}
	//nolint:noctx // listening on a loopback address does not block
	listener, err := net.Listen("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("start simulator: %w", err)
	}
	//nolint:forbidigo // the server runs until Close
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
			counts: counter{parts: map[string]*Counts{}}, limits: limits{windows: map[string]window{}},
			tokens: tokenStore{valid: map[string]token{}},
			keys:   map[string]string{}, global: map[string]bool{}, orgs: map[string]Org{},
		}
	}
	s.ledger = ledger{counts: &s.shared.counts, open: map[net.Conn]struct{}{}}
	for range o.Nonce.BackEnds {
		s.backEnds = append(s.backEnds, newNonceStore(o.Nonce, o.Now))
	}
	// Ops Manager has never been observed to support HTTP/2, and the network faults
	// need a connection for each request.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.serve),
		Protocols:         &protocols,
		ReadHeaderTimeout: 30 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         s.ledger.connection,
		// Tests cause failed handshakes and closed connections on purpose.
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
	// Both return an error when Close closes the listener.
	if s.options.TLS != nil {
		_ = s.http.ServeTLS(l, "", "")
		return
	}
	_ = s.http.Serve(l)
}

// URL returns the base URL of the server: scheme, host, port and path prefix, without a
// trailing slash.
func (s *Server) URL() string { return s.url }

// Close closes the listener and all connections, and waits for all handlers. An Answer
// that blocks must return when the context of its request ends. Further calls do nothing
// and return the same error.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		s.ledger.refuse()
		s.cancel()
		s.closeError = s.http.Close()
		<-s.served
		// Close connections accepted during the first call.
		_ = s.http.Close()
		s.ledger.wait()
	})
	return s.closeError
}

// Restart forgets all nonces and closes every connection, like a restart of Ops
// Manager. Requests in flight fail.
func (s *Server) Restart() {
	s.ForgetNonces()
	s.ledger.closeConnections()
}

// ForgetNonces forgets all nonces and sessions, so that they are unknown.
func (s *Server) ForgetNonces() {
	for _, b := range s.backEnds {
		b.forget()
	}
}

// backEndKey is the context key of a connection's back end.
type backEndKey struct{}

// backEnd returns the nonce store of the server that handles a request.
func (s *Server) backEnd(ctx context.Context) *nonceStore {
	if b, ok := ctx.Value(backEndKey{}).(*nonceStore); ok {
		return b
	}
	return s.nextBackEnd()
}

func (s *Server) nextBackEnd() *nonceStore {
	return s.backEnds[(s.turn.Add(1)-1)%uint64(len(s.backEnds))]
}
