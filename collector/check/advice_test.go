package check

import (
	"net/http"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/realprogram"
)

// told is the advice on a failure in the JSON output.
type told struct{ reason, problem, fix string }

// advised runs an online check and compares the advice for the first organization.
func advised(t *testing.T, want told, managers ...string) {
	t.Helper()
	got := run(t.Context(), t, Options{File: configuration(t, managers...), Online: true, JSON: true})
	records := decoded(t, got.stdout)
	r := records[0]
	if r.Status != nil || r.Reason == nil || r.Problem == nil || r.Fix == nil {
		t.Fatalf("got:\n%s", got.stdout)
	}
	if got := (told{string(*r.Reason), masked(*r.Problem), masked(*r.Fix)}); got != want {
		t.Errorf("got:\n%q\nwant:\n%q", got, want)
	}
}

func TestAdviceOnAnswers(t *testing.T) {
	const (
		key   = `the API key (api_key of Ops Manager "om")`
		where = `(Ops Manager: Access Manager, API Keys)`
		role  = `Grant ` + key + ` the Organization Owner role in the organization ` + where + `. If the key belongs to another organization, configure a separate api_key for this one.`
		seen  = ` This is the address that Ops Manager sees; behind a proxy, NAT or load balancer, it differs from that of the exporter's host.`
		plan  = `The organization cannot use migration links: check the version and configuration of Ops Manager and the plan of the organization, or remove the organization from the configuration.`
		older = ` Otherwise, the server is either not Ops Manager or a version before 5.0, which lacks this endpoint.`
		down  = `Check whether Ops Manager is starting, being upgraded or down: a load balancer or proxy at 127.0.0.1:PORT probably responded in its place.`
		moved = `Set url of Ops Manager "om" to the address of Ops Manager itself, for example with https:// instead of http://, another host name, or no login page in front of it.`
		other = `Check what responds at url: a login page, a proxy, a cache or another server answered instead of the Ops Manager API.`
		newer = `Upgrade the exporter: Ops Manager reported a status that this version does not know.`
		front = `Check what responds at url of Ops Manager "om": Ops Manager requests digest authentication, and a proxy or load balancer in front of it must not remove the WWW-Authenticate header.`
	)
	for name, tt := range map[string]struct {
		answer simulator.Answer
		early  bool // before authentication
		want   told
	}{
		"role":                  {simulator.MissingRole(false), false, told{"role", "HTTP 401 USER_UNAUTHORIZED: the API key lacks the Organization Owner role in the organization", role}},
		"role, other code":      {simulator.Code(401, "NOT_ORG_ADMIN"), false, told{"role", "HTTP 401 NOT_ORG_ADMIN: the API key lacks the Organization Owner role in the organization", role}},
		"access list":           {simulator.NotOnAccessList("192.0.2.17"), false, told{"access_list", "HTTP 403 IP_ADDRESS_NOT_ON_ACCESS_LIST: the exporter's IP address 192.0.2.17 is not on the API key's access list", "In Ops Manager, under Access Manager, API Keys, add 192.0.2.17 to the access list of " + key + "." + seen}},
		"mapped address":        {simulator.OrgRequiresAccessList("::ffff:192.0.2.17"), false, told{"access_list", "HTTP 403 ORG_REQUIRES_ACCESS_LIST: the exporter's IP address 192.0.2.17 is not on the API key's access list", "In Ops Manager, under Access Manager, API Keys, add 192.0.2.17 to the access list of " + key + "." + seen}},
		"address not told":      {simulator.Code(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"), false, told{"access_list", "HTTP 403 IP_ADDRESS_NOT_ON_ACCESS_LIST: the exporter's IP address is not on the API key's access list", "In Ops Manager, under Access Manager, API Keys, add the exporter's IP address, as Ops Manager sees it, to the access list of " + key + "."}},
		"no challenge":          {simulator.Body(401, "", ""), true, told{"unauthorized", "HTTP 401: the response has no digest challenge", front}},
		"forbidden, feature":    {simulator.Code(403, "FEATURE_UNSUPPORTED"), false, told{"forbidden", "HTTP 403 FEATURE_UNSUPPORTED", plan}},
		"forbidden, other code": {simulator.Code(403, "SOMETHING_ELSE"), false, told{"forbidden", "HTTP 403 SOMETHING_ELSE", "Look up SOMETHING_ELSE in the list of API error codes in the Ops Manager documentation, and check the organization's settings."}},
		"forbidden, no code":    {simulator.HTML(403), true, told{"forbidden", "HTTP 403", "Check what is in front of 127.0.0.1:PORT: a proxy, firewall or load balancer rejected the request; Ops Manager itself would have sent an errorCode."}},
		"no such organization":  {simulator.OrgNotFound(), false, told{"not_found", "HTTP 404 ORG_NOT_FOUND: Ops Manager has no organization with this ID", `Check the organization ID (Ops Manager: Organization, Settings), and that the organization belongs to Ops Manager "om" and was not deleted.`}},
		"no such endpoint":      {simulator.ResourceNotFound(), false, told{"not_found", "HTTP 404 RESOURCE_NOT_FOUND: the server has no such endpoint", `Check url of Ops Manager "om": it may lack the path prefix under which Ops Manager is served.` + older}},
		"other server":          {simulator.HTML(404), true, told{"not_found", "HTTP 404: the server has no such endpoint", `Check url of Ops Manager "om": it may lack the path prefix under which Ops Manager is served.` + older}},
		"not found, other code": {simulator.Code(404, "GROUP_NOT_FOUND"), false, told{"not_found", "HTTP 404 GROUP_NOT_FOUND", "Check the organization ID and url; Ops Manager versions before 5.0, which lack this endpoint, respond the same way."}},
		"rate limit":            {simulator.RateLimited("10"), false, told{"rate_limited", "HTTP 429 RATE_LIMITED: retry after 10s", `Wait a few minutes. If it happens again, scrape less often, or use each API key for fewer organizations.`}},
		"failure":               {simulator.UnexpectedError(), false, told{"server_error", "HTTP 500 UNEXPECTED_ERROR", "Check the logs of Ops Manager: it failed to process the request."}},
		"balancer, 502":         {simulator.HTML(502), true, told{"server_error", "HTTP 502", down}},
		"balancer, 503":         {simulator.HTML(503), true, told{"server_error", "HTTP 503", down}},
		"balancer, 504":         {simulator.HTML(504), false, told{"server_error", "HTTP 504", down}},
		"redirect":              {simulator.Redirect("http://attacker.example/?s3cr3t", 302), true, told{"redirect", "HTTP 302: a redirect, which is never followed", moved}},
		"login page":            {simulator.HTML(200), true, told{"bad_response", "HTTP 200: something in front of Ops Manager (a cache or gateway) responded in its place, without asking for the API key", other}},
		"unknown status":        {simulator.Status("SYNCING"), false, told{"unknown_status", `HTTP 200: the status "SYNCING" is neither SYNCED nor NOT_SYNCED`, newer}},
		"free text for status":  {simulator.Status("s3cr3t \x1b[2J"), false, told{"unknown_status", `HTTP 200: the status is neither SYNCED nor NOT_SYNCED`, newer}},
		"proxy's 407":           {simulator.Body(407, "", ""), true, told{"bad_response", "HTTP 407: the proxy requires credentials", `Add the user and password that the proxy accepts to proxy_url of Ops Manager "om": http://user:password@host:port.`}},
		"HTTP on an https port": {simulator.Body(400, "", ""), true, told{"bad_response", "HTTP 400", `If 127.0.0.1:PORT speaks TLS, use https:// in url of Ops Manager "om". Otherwise, check what responds there: it is not Ops Manager.` + stripped}},
		"cut short":             {simulator.Truncated(), false, told{"connect", "the connection to 127.0.0.1:PORT failed or broke before the response was complete", closed}},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, simulator.Options{}, tt.answer)
			if tt.early {
				s.SetOrg(orgID(0), simulator.Org{BeforeAuth: tt.answer})
			}
			advised(t, tt.want, manager("om", s.URL(), 1))
		})
	}
	t.Run("wrong path prefix", func(t *testing.T) {
		s := simulate(t, simulator.Options{}, nil)
		advised(t, told{"not_found", "HTTP 404 RESOURCE_NOT_FOUND: the server has no such endpoint", `Check url of Ops Manager "om": its path prefix may be wrong ("/om").` + older},
			manager("om", s.URL()+"/om", 1))
	})
	t.Run("400 behind a path prefix", func(t *testing.T) {
		s := simulate(t, simulator.Options{PathPrefix: "/om"}, simulator.HTML(400))
		advised(t, told{"bad_response", "HTTP 400: a proxy in front of Ops Manager may have changed the path, which the digest covers: configure it to pass the path on unchanged", `If 127.0.0.1:PORT speaks TLS, use https:// in url of Ops Manager "om". Otherwise, check what responds there: it is not Ops Manager.` +
			strings.Replace(stripped, "a path prefix", `the path prefix "/om"`, 1)}, manager("om", s.URL(), 1))
	})
	t.Run("wrong key", func(t *testing.T) {
		s := simulate(t, simulator.Options{}, nil)
		s.SetKey(publicKey, "another")
		advised(t, told{"unauthorized", "HTTP 401: the API key was rejected", "Check the public and private parts of " + key + ", and that the key still exists in Ops Manager (Access Manager, API Keys)."},
			manager("om", s.URL(), 1))
	})
	t.Run("own key without role", func(t *testing.T) {
		s := simulate(t, simulator.Options{}, simulator.MissingRole(true))
		own := strings.TrimSuffix(manager("om", s.URL(), 1), "\n") + "\n        api_key: {public_key: " + publicKey + ", private_key: " + privateKey + "}\n"
		advised(t, told{
			"role", "HTTP 401 USER_UNAUTHORIZED: the API key lacks the Organization Owner role in the organization",
			"Grant the API key (the organization's own api_key) the Organization Owner role in the organization " + where + ".",
		}, own)
	})
	t.Run("timeout", func(t *testing.T) {
		s := simulate(t, simulator.Options{}, simulator.Hang())
		advised(t, told{
			"timeout", "no complete response within 150ms",
			`Check that no firewall between the exporter and 127.0.0.1:PORT drops packets, and that Ops Manager is not overloaded. If it is merely slow, increase timeout of Ops Manager "om" and the scrape timeout.`,
		}, manager("om", s.URL(), 1, "timeout: 150ms"))
	})
}

const closed = "Try again: Ops Manager or a load balancer may be restarting. If the problem persists, check the port and any proxy, firewall or load balancer in between."

// stripped is part of the advice on each 400.
const stripped = " If a proxy in front of Ops Manager strips or adds a path prefix, configure it to pass the path on unchanged: some servers, such as Apache, compare the path with the uri parameter of the digest and respond with HTTP 400."

func TestAdviceOnConnections(t *testing.T) {
	ca := authority.New(t)
	caFile := trusting(t, ca)
	secure := simulate(t, simulator.Options{TLS: ca.Server(t)}, nil)
	credentials := `Add the user and password that the proxy accepts to proxy_url of Ops Manager "om": http://user:password@host:port.`

	for name, tt := range map[string]struct {
		url, proxy string
		want       told
	}{
		"refused": {"http://" + realprogram.FreeAddress(t), "", told{
			"connect", "nothing is listening at 127.0.0.1:PORT: connection refused",
			`Check that Ops Manager is running and that the host and port in url of Ops Manager "om" are correct. A firewall may also have refused the connection.`,
		}},
		"refused by the proxy's port": {secure.URL(), "http://" + realprogram.FreeAddress(t), told{
			"connect", "nothing is listening at the proxy 127.0.0.1:PORT: connection refused",
			`Check that the proxy is running and that the host and port in proxy_url of Ops Manager "om" are correct. A firewall may also have refused the connection.`,
		}},
		"closed": {"http://" + listen(t, ""), "", told{"connect", "the connection to 127.0.0.1:PORT failed or broke before the response was complete", closed}},
		"proxy without credentials": {secure.URL(), "http://" + startProxy(t, 0), told{
			"connect", "the proxy 127.0.0.1:PORT refused CONNECT with HTTP 407: it requires credentials", credentials,
		}},
		"proxy with wrong credentials": {secure.URL(), "http://" + proxyUser + ":wrong-s3cr3t@" + startProxy(t, 0), told{
			"connect", "the proxy 127.0.0.1:PORT refused CONNECT with HTTP 407: it requires credentials", credentials,
		}},
		"proxy that forbids": {secure.URL(), "http://" + startProxy(t, http.StatusForbidden), told{
			"connect", "the proxy 127.0.0.1:PORT refused CONNECT with HTTP 403",
			"Configure the proxy to allow CONNECT to 127.0.0.1:PORT from the exporter's host, or bypass the proxy (no_proxy).",
		}},
		"proxy that reaches nothing": {"https://" + realprogram.FreeAddress(t), "http://" + proxyUser + ":" + proxyPassword + "@" + startProxy(t, 0), told{
			"connect", "the proxy 127.0.0.1:PORT refused CONNECT with HTTP 502",
			"Check that the proxy can resolve and reach 127.0.0.1:PORT.",
		}},
		"no HTTP": {"http://" + listen(t, "SSH-2.0-OpenSSH_9.9\r\n"), "", told{
			"bad_response", "the response is not valid HTTP",
			`If 127.0.0.1:PORT speaks TLS, use https:// in url of Ops Manager "om". Otherwise, check what responds there: it is not Ops Manager.`,
		}},
		"HTTP on the TLS port": {strings.Replace(secure.URL(), "https", "http", 1), "", told{
			"bad_response", "HTTP 400",
			`If 127.0.0.1:PORT speaks TLS, use https:// in url of Ops Manager "om". Otherwise, check what responds there: it is not Ops Manager.` + stripped,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			settings := []string{caFile}
			if tt.proxy != "" {
				settings = append(settings, "proxy_url: "+tt.proxy)
			}
			advised(t, tt.want, manager("om", tt.url, 1, settings...))
		})
	}
	t.Run("through the proxy", func(t *testing.T) {
		got := run(t.Context(), t, Options{Online: true, JSON: true, File: configuration(t,
			manager("om", secure.URL(), 1, caFile, "proxy_url: http://"+proxyUser+":"+proxyPassword+"@"+startProxy(t, 0)))})
		got.want(t, "")
	})
}
