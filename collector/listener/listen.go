package listener

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/mdlayher/vsock"
)

// Listen opens listeners on the addresses, host:port or vsock://:port, or returns
// those that systemd passed. Its error has one line for each address that cannot be
// used; in that case, no listener stays open.
func Listen(ctx context.Context, addresses []string, systemd bool) ([]net.Listener, error) {
	if systemd {
		return inherit()
	}
	var listeners []net.Listener
	var problems []error
	for _, address := range addresses {
		l, err := listen(ctx, address)
		if err != nil {
			problems = append(problems, fmt.Errorf("--web.listen-address=%q: %w", address, explain(err)))
			continue
		}
		listeners = append(listeners, l)
	}
	if len(problems) > 0 {
		for _, l := range listeners {
			l.Close()
		}
		return nil, errors.Join(problems...)
	}
	return listeners, nil
}

// inherit returns the listeners that systemd passed.
func inherit() ([]net.Listener, error) {
	files := activation.Files(true)
	if len(files) == 0 {
		return nil, errors.New("--web.systemd-socket: systemd passed no socket: start the exporter through its socket unit")
	}
	var listeners []net.Listener
	for _, f := range files {
		l, err := net.FileListener(f) // duplicates the descriptor
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("--web.systemd-socket: %s: %w: use only stream sockets in the socket unit", f.Name(), err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	port, ok, err := VsockPort(address)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		var config net.ListenConfig
		return config.Listen(ctx, "tcp", address)
	}
	l, err := vsock.Listen(port, nil)
	if err != nil {
		return nil, err // not l, which would be a non-nil net.Listener
	}
	return l, nil
}

// VsockPort returns the port of vsock://:port; ok is false for any other kind of
// address.
func VsockPort(address string) (port uint32, ok bool, err error) {
	rest, ok := strings.CutPrefix(address, "vsock://")
	if !ok {
		return 0, false, nil
	}
	_, text, err := net.SplitHostPort(rest)
	if err != nil {
		return 0, true, err
	}
	number, err := strconv.ParseUint(text, 10, 32)
	return uint32(number), true, err
}

// explain removes what the address already says from err and adds a fix.
func explain(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		err = number
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w: stop the program that listens there, or choose another port", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: use an address of this host, or :port for all of them", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w: choose port 1024 or higher", err)
	}
	return err
}
