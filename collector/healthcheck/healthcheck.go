// Package healthcheck tells whether an exporter answers, for containers without
// a shell.
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

// timeout leaves room in the usual health check timeouts of container engines.
const timeout = 3 * time.Second

// Run asks at all the addresses that the exporter listens on, and returns nil if
// anything there answers HTTP. Any status will do: an exporter that demands a
// password or a client certificate is healthy too. It speaks plain HTTP, which a
// TLS listener of Go answers with 400 before any certificate is looked at; such a
// one must be able to shake hands, too. webConfig is its web configuration file,
// "" if that is not known: the error says what is wrong with it.
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

// ask returns nil if something answers HTTP at one address.
func ask(ctx context.Context, address string) error {
	dial, err := dialer(address)
	if err != nil {
		return err
	}
	// RoundTrip follows no redirect, and this transport uses no proxy. The address
	// is none that a URL could hold.
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
	// The words of net/http for a client that does not speak TLS.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // what came will do
	if !bytes.Contains(body, []byte("Client sent an HTTP request to an HTTPS server.")) {
		return nil
	}
	if err := shakeHands(ctx, dial); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}

// shakeHands returns an error if a TLS server fails for a fault of its own. What
// it has against this client does not matter.
func shakeHands(ctx context.Context, dial func(context.Context) (net.Conn, error)) error {
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	//nolint:gosec // nothing is sent: any certificate and version will do
	err = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}).HandshakeContext(ctx)
	alert, ok := errors.AsType[*net.OpError](err)
	if ok && alert.Op == "remote error" && strings.HasSuffix(alert.Err.Error(), "internal error") {
		return errHandshake
	}
	return nil
}

// dialer returns what connects to an address to listen on.
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
	switch { // by number: a container may have no names
	case host == "" || ip == netip.IPv6Unspecified(): // which listens at both
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
