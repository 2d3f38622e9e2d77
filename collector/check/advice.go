package check

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// trouble is a failed poll and all that its advice depends on. Organizations
// whose advice reads the same are shown together, so a text names an Ops Manager
// only where the fix is in its settings.
type trouble struct {
	target
	err *opsmanager.Error
	now time.Time
}

// advice says what happened and what to do about it.
func (t *trouble) advice() advice {
	switch t.err.Reason {
	case opsmanager.ReasonDNS:
		return t.dns()
	case opsmanager.ReasonConnect:
		return t.connect()
	case opsmanager.ReasonTLS:
		return t.tls()
	case opsmanager.ReasonTimeout:
		return t.timeout()
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
		return advice{t.text(), fmt.Sprintf("Wait some minutes. If it comes back, scrape less often, or lower %s (now %d).",
			t.setting("max_concurrent_requests"), t.manager.MaxConcurrentRequests)}
	case opsmanager.ReasonServerError:
		return t.serverError()
	case opsmanager.ReasonRedirect:
		return advice{t.text() + ": a redirect, which is never followed", fmt.Sprintf("Set %s to the address that Ops Manager itself answers at:"+
			" perhaps https:// in place of http://, another host name, or one without a login page before it.", t.setting("url"))}
	case opsmanager.ReasonBadResponse:
		return t.badResponse()
	}
	return t.usual()
}

// usual is the advice where nothing more is known than the reason.
func (t *trouble) usual() advice { return advice{t.text(), t.err.Reason.Fix()} }

// text is the error, as it can be printed.
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
		return advice{t.text(), fmt.Sprintf("See what answers at %s: Ops Manager asks for digest authentication, and a proxy or balancer before it must not take that away.",
			t.setting("url"))}
	}
	return advice{t.text(), fmt.Sprintf("Check both halves of %s, and that the key was not deleted: in Ops Manager open the organization, Access Manager, API Keys.", t.key())}
}

func (t *trouble) role() advice {
	fix := fmt.Sprintf("Grant %s the role Organization Owner: in Ops Manager open the organization, Access Manager, API Keys, and edit the key.", t.key())
	if t.org.APIKey == nil {
		fix += " A key that was made in another organization does not do: then give this one an api_key of its own."
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
		fix += " That is the address that Ops Manager sees: behind a proxy, NAT or a balancer it is not this host's own."
	}
	return advice{problem + " is not on the API key's access list", fix}
}

func (t *trouble) forbidden() advice {
	switch t.err.ErrorCode {
	case "":
		return advice{t.text(), fmt.Sprintf("See what stands before %s: a proxy, firewall or balancer refuses the request; Ops Manager itself would give an errorCode.", address(t.manager.URL))}
	case "FEATURE_UNSUPPORTED", "UNSUPPORTED_FOR_CURRENT_CONFIG", "UNSUPPORTED_FOR_CURRENT_PLAN":
		return advice{t.text(), "This Ops Manager does not offer migration links to the organization: see its version, configuration and plan, or remove the organization from the configuration."}
	}
	return advice{t.text(), fmt.Sprintf("Look %s up among the error codes in the documentation of Ops Manager, and see the settings of the organization.", t.err.ErrorCode)}
}

func (t *trouble) notFound() advice {
	switch t.err.ErrorCode {
	case "", "RESOURCE_NOT_FOUND":
	case "ORG_NOT_FOUND":
		return advice{t.text() + ": the organization does not exist there", fmt.Sprintf("Check its id (Ops Manager: Organization, Settings), and that it belongs to ops manager %q and was not deleted.", t.manager.Name)}
	default:
		return t.usual()
	}
	path := "url may lack the path prefix that Ops Manager is served below"
	if prefix := t.manager.URL.Path; prefix != "" && prefix != "/" {
		path = fmt.Sprintf("url may have a wrong path prefix (%q)", prefix)
	}
	return advice{t.text() + ": the server has no such endpoint", fmt.Sprintf("Check %s: %s. Otherwise it is older than Ops Manager 5.0, which brought the endpoint, or no Ops Manager.", t.setting("url"), path)}
}

func (t *trouble) serverError() advice {
	switch t.err.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return advice{t.text(), fmt.Sprintf("See whether Ops Manager is starting, being upgraded or down behind %s: a balancer or proxy before it answers so.", address(t.manager.URL))}
	}
	return advice{t.text(), "Look into the logs of Ops Manager: it failed while it worked on the request."}
}

func (t *trouble) badResponse() advice {
	switch code := t.err.StatusCode; {
	case code == http.StatusProxyAuthRequired:
		// On http:// a proxy answers for the server.
		return advice{t.text() + ": the proxy wants credentials", t.proxyCredentials()}
	case t.manager.URL.Scheme == "http" && (code == http.StatusBadRequest || code == 0):
		return advice{t.text(), fmt.Sprintf("If %s speaks TLS, begin %s with https://. Otherwise see what answers there: it is not Ops Manager.", address(t.manager.URL), t.setting("url"))}
	case code == http.StatusBadRequest:
		a := t.usual()
		a.fix += fmt.Sprintf(" Some servers demand a client certificate in this way: cert_file and key_file in %s.", t.setting("tls_config"))
		return a
	}
	return t.usual()
}
