package config

import (
	"net/http"
	"reflect"
	"testing"
)

func TestProxy(t *testing.T) {
	const head = "ops_managers:\n  - url: https://opsmanager.example.net\n    api_key: {public_key: a, private_key: b}\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd}]\n"
	for name, tc := range map[string]struct{ settings, target, want string }{
		"none":        {"", "https://opsmanager.example.net", ""},
		"url":         {"    proxy_url: http://a:b@proxy.example.net:3128\n", "https://opsmanager.example.net", "http://a:b@proxy.example.net:3128"},
		"socks":       {"    proxy_url: socks5h://proxy.example.net\n", "https://opsmanager.example.net", "socks5h://proxy.example.net"},
		"not proxied": {"    proxy_url: http://proxy.example.net\n    no_proxy: example.net\n", "https://opsmanager.example.net", ""},
		"proxied":     {"    proxy_url: http://proxy.example.net\n    no_proxy: example.com\n", "https://opsmanager.example.net", "http://proxy.example.net"},
		"environment": {"    proxy_from_environment: true\n", "https://opsmanager.example.net", "http://env.example.net"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HTTPS_PROXY", "http://env.example.net")
			t.Setenv("NO_PROXY", "")
			c := mustLoad(t, writeConfig(t, head+tc.settings))
			proxy := c.OpsManagers[0].Proxy
			fn := proxy.Func()
			if fn == nil {
				if tc.settings != "" {
					t.Error("no function")
				}
				return
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tc.target, nil)
			if err != nil {
				t.Fatal(err)
			}
			u, err := fn(request)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if u != nil {
				got = u.String()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if again := mustLoad(t, c.File); !reflect.DeepEqual(c.OpsManagers, again.OpsManagers) {
				t.Error("using the proxy changed the configuration")
			}
		})
	}
}
