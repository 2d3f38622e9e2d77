package opsmanager

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// ProxyError is a proxy's response to CONNECT other than 200.
type ProxyError struct{ StatusCode int }

// Error implements error.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy refused CONNECT with HTTP %d", e.StatusCode)
}

func checkProxy(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &ProxyError{resp.StatusCode}
	}
	return nil
}
