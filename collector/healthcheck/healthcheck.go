// Package healthcheck checks whether an exporter responds, for containers without a
// shell.
package healthcheck

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/mdlayher/vsock"

	"opsmanager_exporter/collector/listener"
	"opsmanager_exporter/collector/listener/webconfig"
)

// timeout is shorter than the usual health check timeouts of container engines.
const timeout = 3 * time.Second

// Run sends a request to all addresses that the exporter listens on, and returns nil
// if there is any HTTP response. Any status is fine: an exporter that requires a
// password or a client certificate is healthy too. Run uses plain HTTP, to which a Go
// TLS listener responds with 400 before it checks certificates; in that case, TLS
// handshakes must work too. webConfig is the exporter's web configuration file, or ""
// if it is not known; if handshakes fail, the error includes its problems.
func Run(ctx context.Context, addresses []string, webConfig string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answers := make(chan error, len(addresses))
	for _, address := range addresses {
		go func() { answers <- ask(ctx, address) }()
	}
	var problems []error
	for range addresses {
		err := <-answers
		if err == nil {
			return nil
		}
		problems = append(problems, fmt.Errorf("health check: %w", err))
		if errors.Is(err, errHandshake) {
			_, cause := webconfig.Open(ctx, webConfig, slog.New(slog.DiscardHandler))
			problems = append(problems, cause)
		}
	}
	return errors.Join(problems...)
}

var errHandshake = errors.New("TLS handshakes fail: its certificate, key or web configuration cannot be used; see its log")

// ask returns nil if there is an HTTP response from the address.
func ask(ctx context.Context, address string) error {
	dial, err := dialer(address)
	if err != nil {
		return err
	}
	// RoundTrip does not follow redirects, and this transport uses no proxy. It dials
	// the address itself because a URL cannot represent all of them.
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/-/healthy", nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("no HTTP response from %s: %w", address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		return nil
	}
	// net/http sends this text to clients that do not use TLS.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // a partial body is fine
	if !bytes.Contains(body, []byte("Client sent an HTTP request to an HTTPS server.")) {
		return nil
	}
	if err := shakeHands(ctx, dial); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}

// shakeHands returns an error if a TLS handshake fails with an internal error of the
// server. If the server rejects this client, that does not matter.
func shakeHands(ctx context.Context, dial func(context.Context) (net.Conn, error)) error {
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	//nolint:gosec // nothing is sent, so any certificate and version are fine
	err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}).HandshakeContext(ctx)
	alert, ok := errors.AsType[*net.OpError](err)
	if ok && alert.Op == "remote error" && strings.HasSuffix(alert.Err.Error(), "internal error") {
		return errHandshake
	}
	return nil
}

// dialer returns a function that connects to a listen address.
func dialer(address string) (func(context.Context) (net.Conn, error), error) {
	switch port, ok, err := listener.VsockPort(address); {
	case err != nil:
		return nil, fmt.Errorf("--web.listen-address=%q: %w", address, err)
	case ok:
		return func(context.Context) (net.Conn, error) { return vsock.Dial(vsock.Local, port, nil) }, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--web.listen-address=%q: %w", address, err)
	}
	ip, _ := netip.ParseAddr(host)
	hosts := []string{host}
	switch { // IP addresses, because a container may lack name resolution
	case host == "" || ip == netip.IPv6Unspecified(): // listens on both
		hosts = []string{"127.0.0.1", "::1"}
	case ip == netip.IPv4Unspecified():
		hosts = []string{"127.0.0.1"}
	}
	return func(ctx context.Context) (net.Conn, error) {
		var first error
		for _, h := range hosts {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(h, port))
			if err == nil {
				return conn, nil
			}
			first = cmp.Or(first, err)
		}
		return nil, first
	}, nil
}
