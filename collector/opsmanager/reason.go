package opsmanager

// Reason is the reason why the status of an organization is unknown. The set is
// closed, because reasons are values of a metric label.
type Reason string

// The reasons, in the order in which a poll can meet them.
const (
	ReasonCredentials   Reason = "credentials"    // no usable API key or service account was ever read from its files
	ReasonNotReached    Reason = "not_reached"    // not polled: no request slot became free before the deadline
	ReasonDNS           Reason = "dns"            // the host name did not resolve
	ReasonConnect       Reason = "connect"        // no connection, or it broke before a complete response
	ReasonTLS           Reason = "tls"            // handshake or certificate
	ReasonTimeout       Reason = "timeout"        // polled, but no complete response within the timeout or before the deadline
	ReasonUnauthorized  Reason = "unauthorized"   // the API key or service account was rejected
	ReasonRole          Reason = "role"           // it lacks Organization Owner
	ReasonAccessList    Reason = "access_list"    // this host's address is not on its access list
	ReasonForbidden     Reason = "forbidden"      // any other 403
	ReasonNotFound      Reason = "not_found"      // 404
	ReasonRateLimited   Reason = "rate_limited"   // 429
	ReasonServerError   Reason = "server_error"   // 5xx
	ReasonRedirect      Reason = "redirect"       // 3xx, which is never followed
	ReasonNonce         Reason = "nonce"          // no nonce was accepted, and the API key is not the problem
	ReasonBadResponse   Reason = "bad_response"   // any other response
	ReasonUnknownStatus Reason = "unknown_status" // a status that is neither SYNCED nor NOT_SYNCED
)

// Reasons returns all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonCredentials, ReasonNotReached, ReasonDNS, ReasonConnect, ReasonTLS, ReasonTimeout,
		ReasonUnauthorized, ReasonRole, ReasonAccessList, ReasonForbidden, ReasonNotFound,
		ReasonRateLimited, ReasonServerError, ReasonRedirect, ReasonNonce, ReasonBadResponse, ReasonUnknownStatus,
	}
}

// Meaning returns one sentence that tells operators what happened, or "" for a value
// outside the set. It is shown in the README and on the status page.
func (r Reason) Meaning() string {
	switch r {
	case ReasonCredentials:
		return "The files of the API key or service account are missing, empty or unreadable, and it has never been read from them."
	case ReasonNotReached:
		return "The organization was not polled: no request slot became free before the deadline."
	case ReasonDNS:
		return "The host name of Ops Manager or of the proxy did not resolve."
	case ReasonConnect:
		return "No connection could be opened, the proxy refused it, or it broke before the response was complete."
	case ReasonTLS:
		return "The TLS handshake failed, a certificate was rejected, or a CA or certificate file could never be read."
	case ReasonTimeout:
		return "The organization was polled, but no complete response arrived within timeout or before the scrape's deadline."
	case ReasonUnauthorized:
		return "The API key or service account was rejected, or there was no digest challenge that the exporter can answer."
	case ReasonRole:
		return "The API key or service account lacks the Organization Owner role in this organization."
	case ReasonAccessList:
		return "The exporter's IP address is not on the access list of the API key or service account."
	case ReasonForbidden:
		return "Any other HTTP 403."
	case ReasonNotFound:
		return "HTTP 404."
	case ReasonRateLimited:
		return "HTTP 429."
	case ReasonServerError:
		return "HTTP 5xx."
	case ReasonRedirect:
		return "HTTP 3xx: a redirect, which is never followed."
	case ReasonNonce:
		return "Ten digest nonces in a row were rejected, although the API key is not the problem."
	case ReasonBadResponse:
		return "Any other response: HTML, invalid JSON, no status, more than 64 KiB, from a cache, or sent without a request."
	case ReasonUnknownStatus:
		return "The status is neither SYNCED nor NOT_SYNCED."
	}
	return ""
}

// Fix returns one sentence that tells operators what to do, or "" for a value outside
// the set. It is shown in the README, on the status page, by check and in the log.
func (r Reason) Fix() string {
	switch r {
	case ReasonCredentials:
		return "Put the two parts of the API key or service account into the configured files, one line each, and make them readable by the exporter; no reload is needed."
	case ReasonNotReached:
		return "Increase max_concurrent_requests or the scrape timeout, decrease timeout, or let Prometheus scrape each organization separately through /sd and /probe."
	case ReasonDNS:
		return "Correct the host name in url or proxy_url, or fix name resolution on the exporter's host."
	case ReasonConnect:
		return "Check that Ops Manager is running, that the host and port in url are correct, and that firewalls and proxies let the exporter through."
	case ReasonTLS:
		return "Set tls_config.ca_file to the CA that signed the server's certificate, server_name to a name in that certificate, and cert_file and key_file if the server requires a client certificate."
	case ReasonTimeout:
		return "Find out why Ops Manager responds slowly or not at all; if it is merely slow, increase timeout and the scrape timeout."
	case ReasonUnauthorized:
		return "Check both parts of the API key or service account, and that it still exists in Ops Manager."
	case ReasonRole:
		return "Grant the API key or service account the Organization Owner role in this organization (Ops Manager: Access Manager)."
	case ReasonAccessList:
		return "Add the exporter's IP address, as Ops Manager sees it, to the access list of the API key or service account (Ops Manager: Access Manager)."
	case ReasonForbidden:
		return "Look up the errorCode in the log: either this organization cannot use migration links, or something in front of Ops Manager rejected the request."
	case ReasonNotFound:
		return "Check the organization ID and url; Ops Manager versions before 5.0, which lack this endpoint, respond the same way."
	case ReasonRateLimited:
		return "Scrape less often, or use each API key or service account for fewer organizations."
	case ReasonServerError:
		return "Check the status and logs of Ops Manager and of any load balancer in front of it."
	case ReasonRedirect:
		return "Set url to the address of Ops Manager itself; redirects are never followed because they could send the credentials to another host."
	case ReasonNonce:
		return "Enable sticky sessions, by cookie or source address, on the load balancer in front of Ops Manager: the servers behind it do not share digest nonces."
	case ReasonBadResponse:
		return "Check what responds at url: a login page, a proxy, a cache or another server answered instead of the Ops Manager API."
	case ReasonUnknownStatus:
		return "Upgrade the exporter: Ops Manager reported a status that this version does not know."
	}
	return ""
}
