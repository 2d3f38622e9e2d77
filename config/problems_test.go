package config

import (
	"fmt"
	"strings"
	"testing"
)

// What a problem quotes and where it is said to be.
func TestProblems(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a long word":       {strings.Repeat("w", 40) + ": 1\n", `:1: unknown key "` + strings.Repeat("w", 40) + `": valid keys are ops_managers`},
		"longer than words": {strings.Repeat("w", 41) + ": 1\n", `:1: unknown key: valid keys are ops_managers`},
		"a scheme alone":    {"ops_managers: [{url: 'HTTPS://'}]\n", `:1: ops_managers[0].url: "https://" has no valid host: use the form https://host:port`},
		"@ and no host":     {"ops_managers: [{url: '@s3cr3t%zz'}]\n", `:1: ops_managers[0].url: "..." is not a URL: use the form https://host:port`},
		"null of a key":     {oneManager + "      - id:\n          ~\n", ":5: ops_managers[0].orgs[0].id: has no value: set one or remove the line (text that begins with # or & must be quoted)"},
		"in line order":     {"ops_managers:\n  - url: https://om.example.net\n    api_key: {public_key: a, private_key: b}\n    timeout: soon\n", ":2: ops_managers[0].orgs: is missing: list the organizations to poll"},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeConfig(t, tt.text)
			_, err := Load(file)
			if got, _, _ := strings.Cut(fmt.Sprint(err), "\n"); got != file+tt.want {
				t.Errorf("got  %s\nwant %s", got, file+tt.want)
			}
		})
	}
}
