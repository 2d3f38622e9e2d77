package flags

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

const pathCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"

// Count accepts whole numbers that are 0 or greater.
func Count(value string) error {
	n, err := strconv.Atoi(value)
	switch {
	case err != nil:
		return errors.New("must be a whole number, such as 40")
	case n < 0:
		return errors.New("must be 0 or greater")
	}
	return nil
}

// Duration accepts durations of at least least.
func Duration(least time.Duration) Check {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		switch {
		case err != nil:
			return errors.New("must be a duration with a unit, such as 500ms or 5s")
		case d < least && least == 0:
			return errors.New("must be 0 or greater")
		case d < least:
			return fmt.Errorf("must be at least %s", least)
		}
		return nil
	}
}

// Address accepts addresses that the exporter can listen on: host:port with a port
// number or name, [IPv6]:port with or without a zone, :port, and vsock://:port. ctx
// limits the lookup of port names.
func Address(ctx context.Context) Check {
	return func(value string) error {
		rest, vsock := strings.CutPrefix(value, "vsock://")
		host, port, err := net.SplitHostPort(rest)
		switch {
		case vsock && (err != nil || !isNumber(port, 32)):
			return errors.New("must be vsock://:port, such as vsock://:20301")
		case vsock:
			return nil
		case strings.Contains(value, "://"):
			return errors.New("must be host:port without a scheme, such as 127.0.0.1:20301")
		case isNumber(value, 16):
			return fmt.Errorf("must be host:port or :port, such as :%s", value)
		case net.ParseIP(value).To4() != nil:
			return fmt.Errorf("must be host:port, such as %s:20301", value)
		case err != nil && strings.Count(value, ":") > 1:
			return errors.New("an IPv6 address must be in brackets and followed by a port, such as [::1]:20301")
		case err != nil || strings.ContainsAny(host, " /"):
			return errors.New("must be host:port or :port, such as :20301")
		}
		// net.Listen accepts the names in /etc/services too.
		if _, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil {
			return fmt.Errorf("%q is not a port: use a number from 1 to 65535", port)
		}
		return nil
	}
}

func isNumber(s string, bits int) bool {
	_, err := strconv.ParseUint(s, 10, bits)
	return err == nil
}

// ExternalURL accepts URLs that can be prepended to the paths of the exporter.
func ExternalURL(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be http:// or https:// followed by a host and optionally a path")
	}
	return nil
}

// Path accepts a path that differs from the others and that the router matches
// literally.
func Path(others ...string) Check {
	return func(value string) error {
		if slices.Contains(others, value) {
			return errors.New("this path is already in use: choose another")
		}
		if !strings.HasPrefix(value, "/") {
			return errors.New("must begin with /")
		}
		return plainPath(value)
	}
}

func plainPath(value string) error {
	if strings.Trim(value, pathCharacters) != "" || path.Clean(value) != value {
		return errors.New("must contain only letters, digits and - _ . /, and must not end in /")
	}
	return nil
}

// Prefix accepts prefixes that [RoutePrefix] can use.
func Prefix(value string) error { return plainPath(normalPrefix(value)) }

// RoutePrefix returns the prefix of all paths: the given one or, if that is empty, the
// path of external. The prefix begins with / and ends with / only if it is just "/".
func RoutePrefix(given string, external *url.URL) (string, error) {
	if given != "" {
		return normalPrefix(given), Prefix(given)
	}
	if external == nil {
		return "/", nil
	}
	if err := Prefix(external.Path); err != nil {
		return "", fmt.Errorf("--web.external-url: its path %q cannot be used as a route prefix: set --web.route-prefix", external.Path)
	}
	return normalPrefix(external.Path), nil
}

func normalPrefix(value string) string { return "/" + strings.Trim(value, "/") }
