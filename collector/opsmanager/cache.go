package opsmanager

import (
	"errors"
	"iter"
	"net/http"
	"strings"
)

// Errors of responses that are not from Ops Manager itself.
var (
	errNotAsked = errors.New("something in front of Ops Manager (a cache or gateway) responded in its place, without asking for the API key")
	errAge      = errors.New("the response has an Age header: a cache responded in place of Ops Manager, or a clock is behind")
	errCached   = errors.New("a cache responded in place of Ops Manager")
)

// cached returns an error if a response is marked as coming from a cache: by an Age
// other than 0 (RFC 9111, section 5.1; some proxies add the difference of two
// clocks), by a hit in Cache-Status (RFC 9211) or X-Cache, or by a Warning that it
// is stale (RFC 7234, section 5.5). A cache that leaves no mark is not detected.
func cached(header http.Header) error {
	for age := range elements(header["Age"], ',') {
		if strings.Trim(age, "0") != "" {
			return errAge
		}
	}
	for status := range elements(header["Cache-Status"], ',') {
		for part := range elements([]string{status}, ';') {
			if strings.EqualFold(part, "hit") || part == "hit=?1" {
				return errCached
			}
		}
	}
	for warning := range elements(header["Warning"], ',') {
		if code, _, _ := strings.Cut(warning, " "); code == "110" || code == "111" {
			return errCached
		}
	}
	for result := range elements(header["X-Cache"], ',') {
		if len(result) >= len("HIT") && strings.EqualFold(result[:len("HIT")], "HIT") {
			return errCached
		}
	}
	return nil
}

// elements splits header lines at separators outside quoted strings (RFC 9110,
// section 5.6). It trims white space and omits empty elements.
func elements(lines []string, separator byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range lines {
			quoted := false
			start := 0
			for i := 0; i <= len(line); i++ {
				switch {
				case i == len(line) || line[i] == separator && !quoted:
					if e := strings.TrimSpace(line[start:min(i, len(line))]); e != "" && !yield(e) {
						return
					}
					start = i + 1
				case line[i] == '"':
					quoted = !quoted
				case line[i] == '\\' && quoted:
					i++
				}
			}
		}
	}
}
