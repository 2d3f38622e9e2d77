package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/readme"
)

// The tables of README.md list each key exactly once, with its default.
func TestREADME(t *testing.T) {
	const minimal = `
ops_managers:
  - url: https://opsmanager.example.net
    api_key: {public_key: jkqmzxvt, private_key: a-private-key%s}
    tls_config: {server_name: a%s}
    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd%s}]
`
	cfg, err := Load(writeConfig(t, fmt.Sprintf(minimal, "", "", "")))
	if err != nil {
		t.Fatal(err)
	}
	m := cfg.OpsManagers[0]
	defaults := map[string]string{
		"timeout":                 m.Timeout.String(),
		"max_concurrent_requests": strconv.Itoa(m.MaxConcurrentRequests),
		"reuse_connections":       strconv.FormatBool(!m.DisableKeepAlives),
		"proxy_from_environment":  strconv.FormatBool(m.Proxy.FromEnvironment()),
		"insecure_skip_verify":    strconv.FormatBool(m.TLS.settings().InsecureSkipVerify),
	}
	for title, content := range map[string]string{
		"setting of an Ops Manager":  fmt.Sprintf(minimal, "", "", "") + "    surprise: 1\n",
		"setting of `api_key`":       fmt.Sprintf(minimal, ", surprise: 1", "", ""),
		"setting of `tls_config`":    fmt.Sprintf(minimal, "", ", surprise: 1", ""),
		"setting of an organization": fmt.Sprintf(minimal, "", "", ", surprise: 1"),
	} {
		_, err := Load(writeConfig(t, content))
		if err == nil {
			t.Fatal("an unknown key is accepted")
		}
		_, list, ok := strings.Cut(err.Error(), "valid keys are ")
		if !ok {
			t.Fatalf("no list of keys: %v", err)
		}
		want := strings.Split(list, ", ")
		var got []string
		for _, row := range readme.Table(t, "README.md", title) {
			for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[0], -1) {
				got = append(got, m[1])
				if value, ok := defaults[m[1]]; ok && row[1] != "`"+value+"`" {
					t.Errorf("%s: the default is %s, not %s", m[1], value, row[1])
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", title, got, want)
		}
	}
}
