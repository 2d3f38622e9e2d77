package check

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// trouble is a failed poll and everything that its advice depends on.
// Organizations with the same advice are shown together, so it names an Ops
// Manager only if the fix is in its settings.
type trouble struct {
	target
	err *opsmanager.Error
	now time.Time
}

// advice says what happened and what to do about it.
func (t *trouble) advice() advice {
	switch t.err.Reason {
	case opsmanager.ReasonDNS:
		return t.withUnusedProxy(t.dns())
	case opsmanager.ReasonConnect:
		return t.withUnusedProxy(t.connect())
	case opsmanager.ReasonTLS:
		return t.tls()
	case opsmanager.ReasonTimeout:
		return t.withUnusedProxy(t.timeout())
	case opsmanager.ReasonUnauthorized:
		return t.unauthorized()
	case opsmanager.ReasonRole:
		return t.role()
	case opsmanager.ReasonAccessList:
		return t.accessList()
	case opsmanager.ReasonForbidden:
		return t.forbidden()
	case opsmanager.ReasonNotFound:
		return t.notFound()
	case opsmanager.ReasonRateLimited:
		return advice{t.text(), "Wait a few minutes. If it happens again, scrape less often, or use each API key for fewer organizations."}
	case opsmanager.ReasonServerError:
		return t.serverError()
	case opsmanager.ReasonRedirect:
		return advice{t.text() + ": a redirect, which is never followed", fmt.Sprintf("Set %s to the address where Ops Manager itself answers:"+
			" perhaps https:// instead of http://, another host name, or one without a login page in front of it.", t.setting("url"))}
	case opsmanager.ReasonBadResponse:
		return t.badResponse()
	}
	return t.usual()
}

// usual is the advice if nothing but the reason is known.
func (t *trouble) usual() advice { return advice{t.text(), t.err.Reason.Fix()} }

// text is the error in a printable form.
func (t *trouble) text() string { return shortened(printable(t.err.Error())) }

// setting names a setting of the Ops Manager.
func (t *trouble) setting(name string) string {
	return fmt.Sprintf("%s of ops manager %q", name, t.manager.Name)
}

// key names the API key that the poll used.
func (t *trouble) key() string {
	if t.org.APIKey != nil {
		return "the API key (the organization's own api_key)"
	}
	return fmt.Sprintf("the API key (%s)", t.setting("api_key"))
}

func (t *trouble) unauthorized() advice {
	if _, ok := errors.AsType[*opsmanager.ChallengeError](t.err.Err); ok {
		return advice{t.text(), fmt.Sprintf("Check what answers at %s: Ops Manager asks for digest authentication, and a proxy or load balancer in front of it must not remove that.",
			t.setting("url"))}
	}
	return advice{t.text(), fmt.Sprintf("Check both halves of %s, and that the key was not deleted: in Ops Manager open the organization, Access Manager, API Keys.", t.key())}
}

func (t *trouble) role() advice {
	fix := fmt.Sprintf("Grant %s the role Organization Owner: in Ops Manager open the organization, Access Manager, API Keys, and edit the key.", t.key())
	if t.org.APIKey == nil {
		fix += " If the key belongs to another organization, give this one an api_key of its own."
	}
	return advice{t.text() + ": the API key lacks the role Organization Owner in the organization", fix}
}

func (t *trouble) accessList() advice {
	const where = "in Ops Manager open the organization, Access Manager, API Keys, and edit the key"
	host := "this host's address, as Ops Manager sees it,"
	problem := fmt.Sprintf("HTTP %d %s: this host's address", t.err.StatusCode, t.err.ErrorCode)
	if t.err.Address.IsValid() {
		host = t.err.Address.Unmap().String()
		problem += " " + host
	}
	fix := fmt.Sprintf("Add %s to the access list of %s: %s.", host, t.key(), where)
	if t.err.Address.IsValid() {
		fix += " That is the address that Ops Manager sees: behind a proxy, NAT or load balancer it is not this host's own."
	}
	return advice{problem + " is not on the API key's access list", fix}
}

func (t *trouble) forbidden() advice {
	switch t.err.ErrorCode {
	case "":
		return advice{t.text(), fmt.Sprintf("Check what is in front of %s: a proxy, firewall or load balancer refuses the request; Ops Manager itself would send an errorCode.", address(t.manager.URL))}
	case "FEATURE_UNSUPPORTED", "UNSUPPORTED_FOR_CURRENT_CONFIG", "UNSUPPORTED_FOR_CURRENT_PLAN":
		return advice{t.text(), "This Ops Manager does not offer migration links to the organization: check its version, configuration and plan, or remove the organization from the configuration."}
	}
	return advice{t.text(), fmt.Sprintf("Look up %s among the error codes in the Ops Manager documentation, and check the settings of the organization.", t.err.ErrorCode)}
}

func (t *trouble) notFound() advice {
	switch t.err.ErrorCode {
	case "", "RESOURCE_NOT_FOUND":
	case "ORG_NOT_FOUND":
		return advice{t.text() + ": the organization does not exist there", fmt.Sprintf("Check its ID (Ops Manager: Organization, Settings), and that it belongs to ops manager %q and was not deleted.", t.manager.Name)}
	default:
		return t.usual()
	}
	path := "url may lack the path prefix under which Ops Manager is served"
	if prefix := t.manager.URL.Path; prefix != "" && prefix != "/" {
		path = fmt.Sprintf("url may have a wrong path prefix (%q)", prefix)
	}
	return advice{t.text() + ": the server has no such endpoint", fmt.Sprintf("Check %s: %s. Otherwise it is older than Ops Manager 5.0, which introduced the endpoint, or not an Ops Manager.", t.setting("url"), path)}
}

func (t *trouble) serverError() advice {
	switch t.err.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return advice{t.text(), fmt.Sprintf("Check whether Ops Manager is starting, being upgraded or down behind %s: a load balancer or proxy in front of it answers like this.", address(t.manager.URL))}
	}
	return advice{t.text(), "Check the logs of Ops Manager: it failed to process the request."}
}

func (t *trouble) badResponse() advice {
	switch code := t.err.StatusCode; {
	case code == http.StatusProxyAuthRequired:
		// On http:// a proxy answers in place of the server.
		return advice{t.text() + ": the proxy requires credentials", t.proxyCredentials()}
	case t.manager.URL.Scheme == "http" && (code == http.StatusBadRequest || code == 0):
		a := advice{t.text(), fmt.Sprintf("If %s speaks TLS, begin %s with https://. Otherwise check what answers there: it is not Ops Manager.", address(t.manager.URL), t.setting("url"))}
		if code == http.StatusBadRequest {
			a.fix += t.changedPath()
		}
		return a
	case code == http.StatusBadRequest:
		a := t.usual()
		a.fix += fmt.Sprintf(" Some servers demand a client certificate in this way: cert_file and key_file in %s.", t.setting("tls_config")) + t.changedPath()
		return a
	}
	return t.usual()
}

// changedPath is a hint at a proxy that requests a different path than the one in
// the digest. Servers that compare the two must answer 400: RFC 7616, section
// 3.4.6; Apache does.
func (t *trouble) changedPath() string {
	prefix := "a path prefix"
	if p := t.manager.URL.Path; p != "" && p != "/" {
		prefix = fmt.Sprintf("the path prefix %q", p)
	}
	return fmt.Sprintf(" If a proxy in front of Ops Manager strips or adds %s, let it pass the path on unchanged: some servers (Apache) compare it with the uri of the digest and answer 400.", prefix)
}
