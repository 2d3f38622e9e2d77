// Package advice explains to an operator why the status of a migration link could
// not be read and how to fix it. Its texts contain no secrets, and only printable
// text from servers.
package advice

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/text"
	"opsmanager_exporter/config"
)

// Advice explains a failure to an operator.
type Advice struct {
	Problem string // what happened
	Fix     string // what to do
}

// Trouble is a failed poll with everything that its advice depends on.
type Trouble struct {
	Err     error
	At      time.Time
	Manager *config.OpsManager
	OwnKey  bool           // the organization has its own credentials
	Key     config.KeyPair // used for the poll; only its kind is shown
	TLS     *tls.Config    // used for the poll; nil if there is none yet
}

// FileError reports that no connection was made because a CA or certificate file
// cannot be used.
type FileError struct{ Err error }

// Error implements error.
func (e *FileError) Error() string { return e.Err.Error() }

// Unwrap returns the problem with the file.
func (e *FileError) Unwrap() error { return e.Err }

// fixFile is the fix for a file whose problem says what is wrong with it.
const fixFile = "Fix the file; it is read again at each scrape."

// ErrScrapeOver reports that a poll was still running at the deadline of its scrape.
var ErrScrapeOver = errors.New("no complete response before the deadline of the scrape")

// OfNotSynced returns the advice for a link whose status is NOT_SYNCED.
func OfNotSynced() Advice {
	return Advice{
		Problem: "Ops Manager reports that its connection to Atlas is down",
		Fix:     opsmanager.NotSynced.Fix(),
	}
}

// Of returns the advice for a failed poll. Organizations with the same advice are
// shown together, so it names an Ops Manager only if the fix is in its settings.
func Of(failed Trouble) Advice {
	t := &trouble{Trouble: failed}
	if err, ok := errors.AsType[*opsmanager.Error](failed.Err); ok {
		t.err = err
	} else {
		t.err = &opsmanager.Error{Reason: opsmanager.ReasonOf(failed.Err), Err: failed.Err}
	}
	return t.advice()
}

// trouble is a Trouble whose error has a reason.
type trouble struct {
	Trouble
	err *opsmanager.Error
}

func (t *trouble) advice() Advice {
	switch t.err.Reason {
	case opsmanager.ReasonCredentials:
		if t.err.Err != nil {
			return Advice{t.text(), fixFile}
		}
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
		return t.rateLimited()
	case opsmanager.ReasonServerError:
		return t.serverError()
	case opsmanager.ReasonRedirect:
		return Advice{t.text() + ": a redirect, which is never followed", fmt.Sprintf("Set %s to the address of Ops Manager itself,"+
			" for example with https:// instead of http://, another host name, or no login page in front of it.", t.setting("url"))}
	case opsmanager.ReasonBadResponse:
		return t.badResponse()
	}
	return t.usual()
}

// usual returns the advice if only the reason is known.
func (t *trouble) usual() Advice { return Advice{t.text(), t.err.Reason.Fix()} }

// text returns the error in printable form.
func (t *trouble) text() string { return text.Shortened(text.Printable(t.err.Error())) }

// setting names a setting of the Ops Manager.
func (t *trouble) setting(name string) string {
	return fmt.Sprintf("%s of Ops Manager %q", name, t.Manager.Name)
}

// key names the credentials that the poll used.
func (t *trouble) key() string {
	if t.OwnKey {
		return fmt.Sprintf("the %s (the organization's own %s)", t.Key.Kind, t.Key.Kind.Setting())
	}
	return fmt.Sprintf("the %s (%s)", t.Key.Kind, t.setting(t.Key.Kind.Setting()))
}

// menu is where credentials of the kind are managed.
func (t *trouble) menu() string {
	if t.Key.Kind == config.ServiceAccount {
		return "Cloud Manager: Access Manager"
	}
	return "Ops Manager: Access Manager, API Keys"
}

func (t *trouble) unauthorized() Advice {
	if _, ok := errors.AsType[*opsmanager.ChallengeError](t.err.Err); ok {
		return Advice{t.text(), fmt.Sprintf("Check what responds at %s: Ops Manager requests digest authentication, and a proxy or load balancer in front of it must not remove the WWW-Authenticate header.",
			t.setting("url"))}
	}
	if t.err.Token && t.err.ErrorCode == "" { // such as the digest challenge of an Ops Manager
		return Advice{t.text(), fmt.Sprintf("Check the client ID and secret of %s, and %s: only Cloud Manager has service accounts. For Ops Manager, configure an api_key instead of the service_account.",
			t.key(), t.setting("url"))}
	}
	if t.Key.Kind == config.ServiceAccount {
		return Advice{t.text(), fmt.Sprintf("Check the client ID and secret of %s, and that the account still exists and its secret has not expired (%s).", t.key(), t.menu())}
	}
	return Advice{t.text(), fmt.Sprintf("Check the public and private parts of %s, and that the key still exists in Ops Manager (Access Manager, API Keys).", t.key())}
}

func (t *trouble) role() Advice {
	kind := t.Key.Kind
	fix := fmt.Sprintf("Grant %s the Organization Owner role in the organization (%s).", t.key(), t.menu())
	if !t.OwnKey {
		what := "the key"
		if kind == config.ServiceAccount {
			what = "the account"
		}
		fix += fmt.Sprintf(" If %s belongs to another organization, configure a separate %s for this one.", what, kind.Setting())
	}
	return Advice{fmt.Sprintf("%s: the %s lacks the Organization Owner role in the organization", t.text(), kind), fix}
}

func (t *trouble) accessList() Advice {
	manager, menu, _ := strings.Cut(t.menu(), ": ")
	ip := fmt.Sprintf("the exporter's IP address, as %s sees it,", manager)
	problem := fmt.Sprintf("HTTP %d %s: the exporter's IP address", t.err.StatusCode, t.err.ErrorCode)
	if t.err.Token {
		problem = "token request: " + problem
	}
	if t.err.Address.IsValid() {
		ip = t.err.Address.Unmap().String()
		problem += " " + ip
	}
	fix := fmt.Sprintf("In %s, under %s, add %s to the access list of %s.", manager, menu, ip, t.key())
	if t.err.Address.IsValid() {
		fix += fmt.Sprintf(" This is the address that %s sees; behind a proxy, NAT or load balancer, it differs from that of the exporter's host.", manager)
	}
	return Advice{fmt.Sprintf("%s is not on the %s's access list", problem, t.Key.Kind), fix}
}

func (t *trouble) forbidden() Advice {
	switch t.err.ErrorCode {
	case "":
		return Advice{t.text(), fmt.Sprintf("Check what is in front of %s: a proxy, firewall or load balancer rejected the request; Ops Manager itself would have sent an errorCode.", address(t.Manager.URL))}
	case "FEATURE_UNSUPPORTED", "UNSUPPORTED_FOR_CURRENT_CONFIG", "UNSUPPORTED_FOR_CURRENT_PLAN":
		return Advice{t.text(), "The organization cannot use migration links: check the version and configuration of Ops Manager and the plan of the organization, or remove the organization from the configuration."}
	}
	return Advice{t.text(), fmt.Sprintf("Look up %s in the list of API error codes in the Ops Manager documentation, and check the organization's settings.", t.err.ErrorCode)}
}

func (t *trouble) rateLimited() Advice {
	fix := fmt.Sprintf("Wait a few minutes. If it happens again, scrape less often, or use each %s for fewer organizations.", t.Key.Kind)
	if t.err.Token {
		fix = "Wait a few minutes. If it happens again, check what else requests tokens for the service account, and that no organization rejects it:" +
			" the exporter needs one per hour, and more while an organization rejects the account."
	}
	return Advice{t.text(), fix}
}

func (t *trouble) notFound() Advice {
	if t.err.Token {
		return Advice{t.text() + ": the server has no endpoint for tokens", fmt.Sprintf("Check %s: only Cloud Manager has service accounts. For Ops Manager, configure an api_key instead of the service_account.", t.setting("url"))}
	}
	switch t.err.ErrorCode {
	case "", "RESOURCE_NOT_FOUND":
	case "ORG_NOT_FOUND":
		return Advice{t.text() + ": Ops Manager has no organization with this ID", fmt.Sprintf("Check the organization ID (Ops Manager: Organization, Settings), and that the organization belongs to Ops Manager %q and was not deleted.", t.Manager.Name)}
	default:
		return t.usual()
	}
	path := "it may lack the path prefix under which Ops Manager is served"
	if prefix := t.Manager.URL.Path; prefix != "" && prefix != "/" {
		path = fmt.Sprintf("its path prefix may be wrong (%q)", prefix)
	}
	return Advice{t.text() + ": the server has no such endpoint", fmt.Sprintf("Check %s: %s. Otherwise, the server is either not Ops Manager or a version before 5.0, which lacks this endpoint.", t.setting("url"), path)}
}

func (t *trouble) serverError() Advice {
	switch t.err.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Advice{t.text(), fmt.Sprintf("Check whether Ops Manager is starting, being upgraded or down: a load balancer or proxy at %s probably responded in its place.", address(t.Manager.URL))}
	}
	return Advice{t.text(), "Check the logs of Ops Manager: it failed to process the request."}
}

func (t *trouble) badResponse() Advice {
	switch code := t.err.StatusCode; {
	case code == http.StatusProxyAuthRequired:
		// With http://, the proxy responds in place of the server.
		return Advice{t.text() + ": the proxy requires credentials", t.proxyCredentials()}
	case t.Manager.URL.Scheme == "http" && (code == http.StatusBadRequest || code == 0):
		a := Advice{t.text(), fmt.Sprintf("If %s speaks TLS, use https:// in %s. Otherwise, check what responds there: it is not Ops Manager.", address(t.Manager.URL), t.setting("url"))}
		if code == http.StatusBadRequest {
			a.Fix += t.changedPath()
		}
		return a
	case code == http.StatusBadRequest:
		a := t.usual()
		a.Fix += fmt.Sprintf(" Some servers respond like this if a client certificate is missing: set cert_file and key_file in %s.", t.setting("tls_config")) + t.changedPath()
		return a
	}
	return t.usual()
}

// changedPath returns a hint about a proxy that changes the path, which the digest
// covers. Servers that compare the two must respond with 400 (RFC 7616, section
// 3.4.6), as Apache does.
func (t *trouble) changedPath() string {
	prefix := "a path prefix"
	if p := t.Manager.URL.Path; p != "" && p != "/" {
		prefix = fmt.Sprintf("the path prefix %q", p)
	}
	return fmt.Sprintf(" If a proxy in front of Ops Manager strips or adds %s, configure it to pass the path on unchanged: some servers, such as Apache, compare the path with the uri parameter of the digest and respond with HTTP 400.", prefix)
}

// address returns the host and port of a URL in printable form.
func address(u *url.URL) string { return text.Printable(config.HostPort(u)) }
