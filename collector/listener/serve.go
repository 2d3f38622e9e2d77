// Package listener serves HTTP from the start of the exporter to its end: it opens
// the listeners, bounds what clients may take, and stops in time.
package listener

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"opsmanager_exporter/collector/listener/webconfig"
)

const (
	// StopTimeout is how long requests in flight may take when the server stops:
	// less than the 30 s that Kubernetes grants.
	StopTimeout = 25 * time.Second

	headerTimeout = 10 * time.Second
	writeTimeout  = 30 * time.Second // scrapes extend it
	idleTimeout   = 5 * time.Minute  // longer than most scrape intervals
	bodyTimeout   = 10 * time.Second // for bodies that nobody asked for

	// maxHeader is 16 KiB for the header and some room for the line before it, in
	// bytes. net/http takes 4 KiB more than it is told.
	maxHeader = 16<<10 + 512 - 4<<10
	// maxStreams is how many requests of one HTTP/2 connection are served at once.
	maxStreams = 16
	// maxBodies is how much of bodies that nobody asked for one HTTP/2 connection
	// may send ahead, in bytes: the least that net/http allows.
	maxBodies = 64 << 10
)

// Options say what to serve.
type Options struct {
	// Listeners are open; Serve closes them.
	Listeners []net.Listener
	// Security guards the listeners; nil for plain HTTP.
	Security *webconfig.File
	// Handler answers the requests.
	Handler http.Handler
	// Logger takes what happens.
	Logger *slog.Logger
}

// URL returns the address of the first listener as a client on this host may write
// it.
func (o Options) URL() *url.URL {
	u := &url.URL{Scheme: "http", Host: o.Listeners[0].Addr().String()}
	if o.Security.TLS() {
		u.Scheme = "https"
	}
	if a, ok := o.Listeners[0].Addr().(*net.TCPAddr); ok && a.IP.IsUnspecified() {
		u.Host = net.JoinHostPort("localhost", strconv.Itoa(a.Port))
	}
	return u
}

// Serve answers requests until ctx ends. Then it answers those in flight, for
// StopTimeout at the most.
func Serve(ctx context.Context, o Options) error {
	server := &http.Server{
		Handler:           o.Security.Handler(bodyDeadline(o.Handler)),
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams, MaxReceiveBufferPerConnection: maxBodies, MaxReceiveBufferPerStream: maxBodies},
		ErrorLog:          newErrorLog(o.Logger),
	}
	conns := limitConnections(server, maxConnections())
	served := make(chan error, len(o.Listeners))
	for _, l := range o.Listeners {
		secure := o.Security.Listener(l, server)
		o.Logger.Info("Listening on", "address", l.Addr().String(), "tls", secure != l)
		go func() { served <- server.Serve(secure) }()
	}
	select {
	case err := <-served:
		_ = server.Close() // which tells nothing new
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	o.Logger.Info("Stopping once the scrapes in flight have been answered", "timeout", StopTimeout)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), StopTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	unanswered := conns.working()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		_ = server.Close() // which tells nothing new
		if unanswered == 0 {
			return nil // what is left are clients that do not read their answers
		}
		return fmt.Errorf("stopped after %s with %d requests unanswered", StopTimeout, unanswered)
	}
	return fmt.Errorf("stop serving HTTP: %w", err)
}

// bodyDeadline bounds how long a body may take to arrive: net/http waits for it
// before it answers, whether or not anybody wants it.
func bodyDeadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// A writer without deadlines is one of a test.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		next.ServeHTTP(w, r)
	})
}
