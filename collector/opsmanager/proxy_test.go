package opsmanager_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
)

// through configures the HTTP proxy at an address.
func through(address string) func(*opsmanager.Options) {
	return func(o *opsmanager.Options) {
		o.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: address})
	}
}

func TestProxyThatCannotBeTold(t *testing.T) {
	status, err := newRig(t, "http://nonexistent.invalid", func(o *opsmanager.Options) {
		o.Proxy = func(*http.Request) (*url.URL, error) {
			return nil, errors.New(`invalid proxy address "http://user:pass@proxy"`)
		}
	}).poll(t)
	failure{opsmanager.ReasonConnect, 0, "", "the connection failed"}.check(t, status, err)
}
