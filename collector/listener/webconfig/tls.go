package webconfig

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
)

var errPlain = errors.New("tls_server_config was removed: restore it, or restart the exporter to serve plain HTTP")

// TLS reports whether listeners use TLS, which is whether the file enabled it when it
// was opened.
func (f *File) TLS() bool { return f != nil && f.secure }

// Listener returns a TLS listener for server if the file enabled TLS when it was
// opened, and l otherwise.
func (f *File) Listener(l net.Listener, server *http.Server) net.Listener {
	if !f.TLS() {
		return l
	}
	return tls.NewListener(l, &tls.Config{
		MinVersion: tls.VersionTLS12, // overridden by that of the file
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			c := f.current()
			switch {
			case c.err != nil:
				return nil, fmt.Errorf("web configuration: %w", c.err)
			case c.tlsErr != nil:
				return nil, fmt.Errorf("web configuration: %w", c.tlsErr)
			case c.tls == nil:
				return nil, errPlain
			}
			if server.TLSNextProto["h2"] != nil {
				return c.tls, nil
			}
			without := c.tls.Clone() // GODEBUG=http2server=0
			without.NextProtos = []string{"http/1.1"}
			return without, nil
		},
	})
}
