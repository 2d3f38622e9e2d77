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
		{"an argument that is no flag", "--set=extraArgs={check}", "- at '/extraArgs/0': 'check' does not match pattern '^--[a-z][a-z0-9.-]*(=.*)?$'"},
		{"an argument that is a value", "--set=extraArgs={--log.level,debug}", "- at '/extraArgs/1': 'debug' does not match pattern '^--[a-z][a-z0-9.-]*(=.*)?$'"},
		{"a value after a space", "--set=extraArgs={--log.level debug}", "- at '/extraArgs/0': '--log.level debug' does not match pattern '^--[a-z][a-z0-9.-]*(=.*)?$'"},
		{"a listen address", "--set=extraArgs={--log.level=debug,--web.listen-address=:9443}", "extraArgs[1]: the chart sets --web.listen-address: set service.targetPort instead"},
		{"a listen address, the value elsewhere", "--set=extraArgs={--web.listen-address}", "extraArgs[0]: the chart sets --web.listen-address: set service.targetPort instead"},
		{"a socket", "--set=extraArgs={--web.systemd-socket}", "extraArgs[0]: the chart sets --web.systemd-socket: set service.targetPort instead"},
		{"a configuration file", "--set=extraArgs={--config.file=/x.yml}", "extraArgs[0]: the chart sets --config.file: set config or configSecret instead"},
		{"a name with a dot", "--set=fullnameOverride=migration.links", "- at '/fullnameOverride': 'migration.links' does not match pattern '^([a-z]([a-z0-9-]*[a-z0-9])?)?$'"},
		{"part of a name with a dot", "--set=nameOverride=migration.links", "- at '/nameOverride': 'migration.links' does not match pattern '^([a-z]([a-z0-9-]*[a-z0-9])?)?$'"},
		{"a namespace with a dot", "--set=podMonitor.namespace=a.b", "- at '/podMonitor/namespace': 'a.b' does not match pattern '^([a-z]([a-z0-9-]*[a-z0-9])?)?$'"},
		{"a file with a slash", "--set=configSecret.key=a/b.yml", "- at '/configSecret/key': 'a/b.yml' does not match pattern '^[-._a-zA-Z0-9]+$'"},
		{"a registry with a scheme", "--set=image.registry=https://images.example.net/", "- at '/image/registry': 'https://images.example.net/' does not match pattern '^([a-z0-9]([a-zA-Z0-9._:/-]*[a-zA-Z0-9])?)?$'"},
		{"unknown strategy", "--set=strategy.type=OnDelete", "- at '/strategy/type': value must be one of 'RollingUpdate', 'Recreate'"},
		{"unknown type of Service", "--set=service.type=ExternalName", "- at '/service/type': value must be one of 'ClusterIP', 'NodePort', 'LoadBalancer'"},
		{"a port of nodes without nodes", "--set=service.nodePort=30301", "- at '/service/nodePort': got number, want null"},
		{"a field of the Service that the chart sets", "--set=service.spec.selector.app=x", "- at '/service/spec/selector': false schema"},
		{"an Ingress for no host", "--set=ingress.enabled=true", "- at '/ingress/hosts': minItems: got 0, want 1"},
		{"unknown policy of names", "--set=dnsPolicy=default", "- at '/dnsPolicy': value must be one of '', 'ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'"},
		{"an alias without names", "--set=hostAliases[0].ip=192.0.2.1", "- at '/hostAliases/0': missing property 'hostnames'"},
		{"a password in the values", "--set=podMonitor.basicAuth.password=secret", "- at '/podMonitor/basicAuth/password': got string, want object"},
		{"a token in the values", "--set=scrapeConfig.authorization.credentials=secret", "- at '/scrapeConfig/authorization/credentials': got string, want object"},
		{"a field of the ScrapeConfig that has a value", "--set=scrapeConfig.spec.tlsConfig.insecureSkipVerify=true", "- at '/scrapeConfig/spec/tlsConfig': false schema"},
		{
			"two monitors", "--set=serviceMonitor.enabled=true,podMonitor.enabled=true",
			"serviceMonitor and podMonitor are enabled, which would scrape the exporter twice: enable one of them",
		},
		{"a client secret in the ConfigMap", "--set-json=" + org + `.service_account={"client_id":"x","client_secret_file":"/x","client_secret":"x"}`, "- at '/config/ops_managers/0/orgs/0/service_account': additional properties 'client_secret' not allowed"},
		{"two ways to sign in", `--set-json=config.ops_managers[0].service_account={"client_id":"x","client_secret_file":"/x"}`, "- at '/config/ops_managers/0/api_key': false schema"},
		{
			"a Secret of a service account that is not mounted", "--set-json=" + org + `.service_account={"client_id":"x","client_secret_file":"/secrets/cloud/secret"}`,
			`config.ops_managers[0].orgs[0].service_account.client_secret_file: /secrets/cloud/secret is in the Secret "cloud", which is not listed in secrets: add it`,
		},
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
				if _, text, ok := strings.Cut(line, "deployment.yaml:1:4): "); ok {
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

// A service account can replace an API key.
func TestServiceAccount(t *testing.T) {
	const account = `"service_account":{"client_id_file":"/secrets/opsmanager/id","client_secret_file":"/secrets/opsmanager/secret"}`
	m := render(t, "minimal", `--set-json=config.ops_managers=[{"url":"https://cloud.mongodb.com",`+account+`,"orgs":[{"id":"5f1e9c2b8d3a4e0012ab34cd",`+account+`}]}]`)
	if text := m.config.Data["opsmanager.yml"]; strings.Count(text, "client_secret_file: /secrets/opsmanager/secret") != 2 || strings.Contains(text, "api_key") {
		t.Error(text)
	}
}
