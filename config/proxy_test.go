package config

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestEnvironmentProxy(t *testing.T) {
	for name, tc := range map[string]struct {
		variables              map[string]string
		target, want, variable string
	}{
		"none":         {nil, "https://opsmanager.example.net", "", ""},
		"https":        {map[string]string{"HTTPS_PROXY": "http://a:s3cr3t@proxy.example.net:3128"}, "https://opsmanager.example.net", "http://a:s3cr3t@proxy.example.net:3128", "HTTPS_PROXY"},
		"host":         {map[string]string{"HTTPS_PROXY": "proxy.example.net:3128"}, "https://opsmanager.example.net", "http://proxy.example.net:3128", "HTTPS_PROXY"},
		"lower case":   {map[string]string{"https_proxy": "http://lower", "HTTPS_PROXY": "http://upper"}, "https://opsmanager.example.net", "http://lower", "https_proxy"},
		"http":         {map[string]string{"HTTP_PROXY": "http://proxy.example.net"}, "http://opsmanager.example.net", "http://proxy.example.net", "HTTP_PROXY"},
		"other scheme": {map[string]string{"HTTP_PROXY": "http://proxy.example.net"}, "https://opsmanager.example.net", "", ""},
		"excluded":     {map[string]string{"HTTPS_PROXY": "http://proxy.example.net", "NO_PROXY": "example.net"}, "https://opsmanager.example.net", "", ""},
		"no URL":       {map[string]string{"HTTPS_PROXY": "http://%zz"}, "https://opsmanager.example.net", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			setProxies(t, tc.variables)
			target, err := url.Parse(tc.target)
			if err != nil {
				t.Fatal(err)
			}
			got, variable := EnvironmentProxy(target)
			if variable != tc.variable || (got == nil) != (tc.want == "") || got != nil && got.String() != tc.want {
				t.Errorf("got %v and %q", got, variable)
			}
		})
	}
}

// setProxies sets the given proxy variables and unsets all others.
func setProxies(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, name := range []string{"https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"} {
		t.Setenv(name, variables[name])
	}
}

// net/http would silently ignore such a variable.
func TestProxyFromEnvironmentThatIsNoURL(t *testing.T) {
	const path = ":3: ops_managers[0].proxy_from_environment: "
	for value, want := range map[string]string{
		"proxy.example.net:3128":                 "",
		"http://a:s3cr3t@proxy.example.net/":     "",
		"http://a:s3cr3t@proxy.example.net:port": `"http://..." is not a URL: use the form http://host:port`,
		"a:s3cr3t@proxy.example.net:port":        `"http://..." is not a URL: use the form http://host:port`,
		"http://a:s3cr3t%zz@proxy.example.net":   `"http://..." is not a URL: use the form http://host:port`,
		"ftp://a:s3cr3t@proxy.example.net":       `"proxy.example.net" does not begin with http:// or https:// or socks5:// or socks5h://`,
		"http://proxy.example.net\u00a0":         `"http://proxy.example.net\u00a0" begins or ends with a space, perhaps a no-break space: remove it`,
	} {
		for variable, scheme := range map[string]string{"HTTPS_PROXY": "https", "http_proxy": "http"} {
			t.Run(variable+"="+value, func(t *testing.T) {
				setProxies(t, map[string]string{variable: value})
				head := "ops_managers:\n  - url: " + scheme + "://opsmanager.example.net\n"
				const rest = "    api_key: {public_key: a, private_key: b}\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd}]\n"
				file := writeConfig(t, head+"    proxy_from_environment: true\n"+rest)
				_, err := Load(file)
				if want == "" && err != nil {
					t.Error(err)
				}
				if want != "" {
					wantError(t, err, file+path+variable+": "+want)
				}
				// The configuration does not use it.
				mustLoad(t, writeConfig(t, head+rest))
				// Requests to the other scheme do not use it.
				mustLoad(t, writeConfig(t, strings.Replace(head, scheme, map[string]string{"http": "https", "https": "http"}[scheme], 1)+"    proxy_from_environment: true\n"+rest))
			})
		}
	}
}

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
			setProxies(t, map[string]string{"HTTPS_PROXY": "http://env.example.net"})
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
