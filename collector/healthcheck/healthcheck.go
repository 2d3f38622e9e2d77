// Package healthcheck tells whether an exporter answers, for containers without
// a shell.
package healthcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// timeout leaves room in the usual health check timeouts of container engines.
const timeout = 3 * time.Second

// Run asks the first of the addresses that the exporter listens on, and returns
// nil if anything there answers HTTP. Any status will do: an exporter that
// demands a password or a client certificate is healthy too. It speaks plain
// HTTP, which a TLS listener of Go answers with 400 before any certificate is
// looked at.
func Run(ctx context.Context, addresses []string) error {
	if len(addresses) == 0 || strings.Contains(addresses[0], "://") {
		return errors.New("health check: give --web.listen-address as host:port")
	}
	address, err := reachable(addresses[0])
	if err != nil {
		return fmt.Errorf("health check: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/-/healthy", nil)
	if err != nil {
		return fmt.Errorf("health check: %w", err)
	}
	// RoundTrip follows no redirect, and this transport uses no proxy.
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("health check: nothing answers HTTP at %s: %w", address, err)
	}
	resp.Body.Close()
	return nil
}

// reachable turns an address to listen on into one to connect to.
func reachable(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("--web.listen-address: %w", err)
	}
	switch host { // by number: a container may have no names
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}
