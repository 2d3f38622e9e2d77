package chart_test

import (
	"strings"
	"testing"
)

// Invalid values are rejected, each with path and reason.
func TestBadValues(t *testing.T) {
	const org = "config.ops_managers[0].orgs[0]"
	tests := []struct{ name, option, want string }{
		{"negative replicas", "--set=replicas=-1", "- at '/replicas': minimum: got -1, want 0"},
		{"replicas as text", "--set-string=replicas=2", "- at '/replicas': got string, want integer"},
		{"unknown key", "--set=replica=2", "- at '': additional properties 'replica' not allowed"},
		{"unknown key below", "--set=service.prt=1", "- at '/service': additional properties 'prt' not allowed"},
		{"no repository", "--set=image=null", "- at '': missing property 'image'"},
		{"no configuration", "--set=config=null", "- at '': missing property 'config'"},
		{"no organization", "--set-json=config.ops_managers[0].orgs=[]", "- at '/config/ops_managers/0/orgs': minItems: got 0, want 1"},
		{"no id", `--set-json=` + org + `={"name":"x"}`, "- at '/config/ops_managers/0/orgs/0': missing property 'id'"},
		{"short id", "--set=" + org + ".id=5f1e", "- at '/config/ops_managers/0/orgs/0/id': '5f1e' does not match pattern '^[0-9a-fA-F]{24}$'"},
		{"id as a number", "--set-json=" + org + ".id=123456789012345678901234", "- at '/config/ops_managers/0/orgs/0/id': got number, want string"},
		{"unknown key of the configuration", "--set=config.ops_managers[0].proxy=x", "- at '/config/ops_managers/0': additional properties 'proxy' not allowed"},
		{"a key in the ConfigMap", "--set=config.ops_managers[0].api_key.private_key=x", "- at '/config/ops_managers/0/api_key': additional properties 'private_key' not allowed"},
		{"a TLS key in the ConfigMap", "--set=config.ops_managers[0].tls_config.key=x", "- at '/config/ops_managers/0/tls_config': additional properties 'key' not allowed"},
		{"a user in a URL", "--set=config.ops_managers[0].url=https://user@host", "- at '/config/ops_managers/0/url': 'https://user@host' does not match pattern '^https?://[^@?#]+$'"},
		{"a relative file", "--set=config.ops_managers[0].api_key.private_key_file=private", "- at '/config/ops_managers/0/api_key/private_key_file': 'private' does not match pattern '^/[^/]'"},
		{"bad CIDR", "--set-json=networkPolicy.egress=[{\"cidrs\":[\"10.0.0/8\"],\"ports\":[443]}]", `- at '/networkPolicy/egress/0/cidrs/0': '10.0.0/8' does not match pattern '^([0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-f:]*:[0-9a-f:]*/[0-9]{1,3})$'`},
		{"bad port", "--set-json=networkPolicy.egress=[{\"cidrs\":[\"10.0.0.0/8\"],\"ports\":[65536]}]", "- at '/networkPolicy/egress/0/ports/0': maximum: got 65,536, want 65,535"},
		{"a policy that lets nothing out", "--set=networkPolicy.enabled=true", "- at '/networkPolicy/egress': minItems: got 0, want 1"},
		{"interval without a unit", "--set=serviceMonitor.interval=60", "- at '/serviceMonitor/interval': got number, want string"},
		{"a field that the chart sets", "--set=serviceMonitor.endpoint.interval=60s", "- at '/serviceMonitor/endpoint/interval': false schema"},
		{"an argument that is no flag", "--set=extraArgs={check}", "- at '/extraArgs/0': 'check' does not match pattern '^--[a-z]'"},
		{"a label that is no text", "--set=podLabels.a=1", "- at '/podLabels/a': got number, want string"},
		{
			"a Secret that is not mounted", "--set=secrets[0].name=other",
			`config.ops_managers[0].api_key.private_key_file: /secrets/opsmanager/private is in the Secret "opsmanager", which is not listed in secrets: add it`,
		},
		{"a Secret twice", "--set=secrets[1].name=opsmanager", "secrets: a Secret is listed twice: list each once"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, problem, err := template(t, "--values="+values("minimal"), test.option)
			if err == nil {
				t.Fatal("it is taken")
			}
			var got []string
			for line := range strings.Lines(problem) {
				if _, text, ok := strings.Cut(line, "configmap.yaml:1:4): "); ok {
					got = append(got, strings.TrimSpace(text))
				} else if strings.HasPrefix(line, "- at ") {
					got = append(got, strings.TrimSpace(line))
				}
			}
			if len(got) != 1 || got[0] != test.want {
				t.Errorf("%q, want %q; all of it:\n%s", got, test.want, problem)
			}
		})
	}
}
