package advice

import (
	"net/netip"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// The advice names the service account, and the request for a token if that failed.
func TestAdviceOnServiceAccounts(t *testing.T) {
	m := manager(t, "timeout: 5s")
	const (
		shared = `the service account (service_account of Ops Manager "om")`
		own    = "the service account (the organization's own service_account)"
	)
	for name, tt := range map[string]struct {
		err  opsmanager.Error
		own  bool
		want Advice
	}{
		"token refused": {opsmanager.Error{Reason: opsmanager.ReasonUnauthorized, Token: true, StatusCode: 401, ErrorCode: "invalid_client"}, false, Advice{
			"token request: HTTP 401 invalid_client", "Check the client ID and secret of " + shared + ", and that the account still exists and its secret has not expired (Cloud Manager: Access Manager).",
		}},
		"token refused without a code": {opsmanager.Error{Reason: opsmanager.ReasonUnauthorized, Token: true, StatusCode: 401}, false, Advice{
			"token request: HTTP 401", "Check the client ID and secret of " + shared + `, and url of Ops Manager "om": only Cloud Manager has service accounts. For Ops Manager, configure an api_key instead of the service_account.`,
		}},
		"role": {opsmanager.Error{Reason: opsmanager.ReasonRole, StatusCode: 401, ErrorCode: "USER_UNAUTHORIZED"}, false, Advice{
			"HTTP 401 USER_UNAUTHORIZED: the service account lacks the Organization Owner role in the organization",
			"Grant " + shared + " the Organization Owner role in the organization (Cloud Manager: Access Manager). If the account belongs to another organization, configure a separate service_account for this one.",
		}},
		"role of its own": {opsmanager.Error{Reason: opsmanager.ReasonRole, StatusCode: 401, ErrorCode: "USER_UNAUTHORIZED"}, true, Advice{
			"HTTP 401 USER_UNAUTHORIZED: the service account lacks the Organization Owner role in the organization",
			"Grant " + own + " the Organization Owner role in the organization (Cloud Manager: Access Manager).",
		}},
		"access list": {opsmanager.Error{Reason: opsmanager.ReasonAccessList, Token: true, StatusCode: 403, ErrorCode: "IP_ADDRESS_NOT_ON_ACCESS_LIST", Address: netip.MustParseAddr("192.0.2.7")}, true, Advice{
			"token request: HTTP 403 IP_ADDRESS_NOT_ON_ACCESS_LIST: the exporter's IP address 192.0.2.7 is not on the service account's access list",
			"In Cloud Manager, under Access Manager, add 192.0.2.7 to the access list of " + own + ". This is the address that Cloud Manager sees; behind a proxy, NAT or load balancer, it differs from that of the exporter's host.",
		}},
		"no such endpoint": {opsmanager.Error{Reason: opsmanager.ReasonNotFound, Token: true, StatusCode: 404}, false, Advice{
			"token request: HTTP 404: the server has no endpoint for tokens",
			`Check url of Ops Manager "om": only Cloud Manager has service accounts. For Ops Manager, configure an api_key instead of the service_account.`,
		}},
		"limited": {opsmanager.Error{Reason: opsmanager.ReasonRateLimited, StatusCode: 429}, false, Advice{
			"HTTP 429", "Wait a few minutes. If it happens again, scrape less often, or use each service account for fewer organizations.",
		}},
		"tokens limited": {opsmanager.Error{Reason: opsmanager.ReasonRateLimited, Token: true, StatusCode: 429}, false, Advice{
			"token request: HTTP 429", "Wait a few minutes. If it happens again, check what else requests tokens for the service account, and that no organization rejects it: the exporter needs one per hour, and more while an organization rejects the account.",
		}},
		"timeout": {opsmanager.Error{Reason: opsmanager.ReasonTimeout, Token: true}, false, Advice{
			"token request: no complete response within 5s",
			`Check that no firewall between the exporter and om.example.net:443 drops packets, and that Ops Manager is not overloaded. If it is merely slow, increase timeout of Ops Manager "om" and the scrape timeout.`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Of(Trouble{Manager: m, Err: &tt.err, OwnKey: tt.own, Key: config.KeyPair{Kind: config.ServiceAccount}}); got != tt.want {
				t.Errorf("got:\n%q\nwant:\n%q", got, tt.want)
			}
		})
	}
}
