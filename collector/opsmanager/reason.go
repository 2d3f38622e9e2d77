package opsmanager

// Reason says why the status of an organization is unknown. The set is closed:
// it is the value of a metric label.
type Reason string

// The reasons, in the order in which a poll can meet them.
const (
	ReasonCredentials   Reason = "credentials"    // no usable API key was ever read from its files
	ReasonNotReached    Reason = "not_reached"    // not asked: no slot came free before the deadline
	ReasonDNS           Reason = "dns"            // the name did not resolve
	ReasonConnect       Reason = "connect"        // no connection, or it broke before a whole answer
	ReasonTLS           Reason = "tls"            // handshake or certificate
	ReasonTimeout       Reason = "timeout"        // asked, and not answered in full before the deadline
	ReasonUnauthorized  Reason = "unauthorized"   // the API key was not accepted
	ReasonRole          Reason = "role"           // the API key lacks Organization Owner
	ReasonAccessList    Reason = "access_list"    // this host's address is not on the API key's access list
	ReasonForbidden     Reason = "forbidden"      // any other 403
	ReasonNotFound      Reason = "not_found"      // 404
	ReasonRateLimited   Reason = "rate_limited"   // 429
	ReasonServerError   Reason = "server_error"   // 5xx
	ReasonRedirect      Reason = "redirect"       // 3xx, which is never followed
	ReasonNonce         Reason = "nonce"          // no nonce was accepted, and the API key is not the problem
	ReasonBadResponse   Reason = "bad_response"   // any other answer
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

// Happened returns what this reason means, "" for a value outside the set. The
// README's table of reasons has the same words.
func (r Reason) Happened() string {
	switch r {
	case ReasonCredentials:
		return "the key file is missing, empty or unreadable and no good key was ever read"
	case ReasonNotReached:
		return "not asked: no slot came free before the deadline"
	case ReasonDNS:
		return "the name did not resolve"
	case ReasonConnect:
		return "no connection, or it broke before a whole answer; or the proxy refused it"
	case ReasonTLS:
		return "handshake or certificate, or a CA or certificate file that was never readable"
	case ReasonTimeout:
		return "asked, and not answered in full before the deadline"
	case ReasonUnauthorized:
		return "the key was not accepted, or there was no digest challenge that can be answered"
	case ReasonRole:
		return "the key lacks Organization Owner"
	case ReasonAccessList:
		return "this host's address is not on the key's access list"
	case ReasonForbidden:
		return "any other 403"
	case ReasonNotFound:
		return "404"
	case ReasonRateLimited:
		return "429"
	case ReasonServerError:
		return "5xx"
	case ReasonRedirect:
		return "3xx, never followed"
	case ReasonNonce:
		return "no nonce was accepted within ten attempts, and the key is not the problem: several Ops Managers behind a balancer do not share their nonces"
	case ReasonBadResponse:
		return "any other answer: HTML, broken JSON, no status, over 64 KiB, out of a cache, or one that nobody asked for"
	case ReasonUnknownStatus:
		return "the status is a string that is neither SYNCED nor NOT_SYNCED"
	}
	return ""
}

// Fix returns one sentence that tells an operator what to do, "" for a value
// outside the set. The README's table of reasons has the same sentences.
func (r Reason) Fix() string {
	switch r {
	case ReasonCredentials:
		return "Put the API key into the key files that the configuration names, one line each, readable by the exporter; they are read again at the next scrape."
	case ReasonNotReached:
		return "Raise max_concurrent_requests or the scrape timeout, lower timeout, or let Prometheus scrape each organization by itself with /sd and /probe."
	case ReasonDNS:
		return "Correct the host name in url (or proxy_url), or this host's name resolution."
	case ReasonConnect:
		return "See that Ops Manager runs and that host, port, firewall and proxy let this host reach it."
	case ReasonTLS:
		return "Give the CA that signed the server's certificate as tls_config.ca_file, the name in it as server_name, and a client certificate if the server demands one."
	case ReasonTimeout:
		return "Find out why Ops Manager answers slowly or not at all; if it is only slow, raise timeout and the scrape timeout."
	case ReasonUnauthorized:
		return "Check the public and private key, and that the key still exists in Ops Manager."
	case ReasonRole:
		return "Grant the API key the Organization Owner role in this organization (Ops Manager: Organization, Access Manager, API Keys)."
	case ReasonAccessList:
		return "Add this host's address, as Ops Manager sees it, to the API key's access list (Ops Manager: Organization, Access Manager, API Keys)."
	case ReasonForbidden:
		return "Read the errorCode in the log: the feature is not offered to this organization, or something in front of Ops Manager refuses the request."
	case ReasonNotFound:
		return "Check the organization ID and url; a server without the endpoint (before Ops Manager 5.0) answers the same."
	case ReasonRateLimited:
		return "Scrape less often, or use each API key for fewer organizations."
	case ReasonServerError:
		return "See the state and logs of Ops Manager and of the load balancer in front of it."
	case ReasonRedirect:
		return "Set url to the address that Ops Manager itself answers at; redirects are never followed, because they would carry the API key elsewhere."
	case ReasonNonce:
		return "Make the load balancer in front of several Ops Managers sticky, by cookie or source address: they do not share their nonces."
	case ReasonBadResponse:
		return "See what answers at url: it is not the migration link API of Ops Manager (a login page, a proxy, another server)."
	case ReasonUnknownStatus:
		return "Look for a newer exporter: Ops Manager answered with a status that this one does not know."
	}
	return ""
}
