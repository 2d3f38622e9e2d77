// Package listener opens the listeners, serves HTTP with limits on what clients may
// use, and shuts down in time.
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
	// StopTimeout is how long requests in flight may take when the server stops. It
	// is less than the default grace period of Kubernetes, 30 s.
	StopTimeout = 25 * time.Second

	headerTimeout = 10 * time.Second
	writeTimeout  = 30 * time.Second // scrapes extend it
	idleTimeout   = 5 * time.Minute  // longer than most scrape intervals
	bodyTimeout   = 10 * time.Second // for request bodies, which no path uses

	// maxHeader allows 16 KiB for the header and 512 bytes for the request line.
	// net/http accepts 4 KiB more than it is configured to.
	maxHeader = 16<<10 + 512 - 4<<10
	// maxStreams is the maximum number of concurrent requests per HTTP/2 connection.
	maxStreams = 16
	// maxBodies is how many bytes of request bodies, which no path uses, one HTTP/2
	// connection may send ahead: the minimum that net/http allows.
	maxBodies = 64 << 10
)

// Options configure what to serve.
type Options struct {
	// Listeners are open; Serve closes them.
	Listeners []net.Listener
	// Security provides TLS and authentication; nil for plain HTTP.
	Security *webconfig.File
	Handler  http.Handler
	Logger   *slog.Logger
}

// URL returns the URL of the first listener for clients on this host.
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

// Serve serves requests until ctx is done. Then it waits for those in flight, for at
// most StopTimeout.
func Serve(ctx context.Context, o Options) error {
	server := &http.Server{
		Handler:           bodyDeadline(o.Security.Handler(o.Handler)),
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
		_ = server.Close() // its error adds nothing
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
		_ = server.Close() // its error adds nothing
		if unanswered == 0 {
			return nil // only clients that do not read their responses are left
		}
		return fmt.Errorf("stopped after %s with %d requests unanswered", StopTimeout, unanswered)
	}
	return fmt.Errorf("stop serving HTTP: %w", err)
}

// bodyDeadline limits how long a request body may take to arrive: net/http waits for
// it before it responds, even if the handler does not read it. A handler that is
// reached may shorten it; what is refused before that keeps it.
func bodyDeadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// Writers in tests do not support deadlines.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		next.ServeHTTP(w, r)
	})
}
