// Package config reads the configuration file of the exporter and the key and
// certificate files that it names.
//
// [Load] returns either a valid configuration or all problems of the file at once.
// The files that a configuration names are read later, each time [Credentials.Read] or
// [TLS.Read] is called, so they can be replaced without a reload. A program that
// reloads its configuration reads through one [Files], which limits the number of
// reads blocked by a dead network file system. Secrets appear in no error and in no
// printed form of any type of this package.
package config

import (
	"cmp"
	"net/url"
	"time"
)

// The defaults of optional settings.
const (
	// DefaultTimeout limits the duration of one poll.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxConcurrentRequests limits requests in flight to one Ops Manager.
	DefaultMaxConcurrentRequests = 16
)

// Config is a valid configuration. It is not modified after [Load] and is therefore
// safe for concurrent use.
type Config struct {
	// File is the file name passed to [Load].
	File string
	// OpsManagers are in file order; there is at least one.
	OpsManagers []OpsManager

	files *Files // reads the files that it names; nil if not made by Load
}

// OpsManager is one MongoDB Ops Manager, or Cloud Manager, and its organizations.
type OpsManager struct {
	// Name is unique in the configuration. It defaults to the host and port of the
	// URL.
	Name string
	// URL is an http or https URL with a host, an optional path prefix, and no user,
	// query or fragment.
	URL *url.URL
	// Credentials are used for organizations without their own. They may be nil if
	// every organization has its own.
	Credentials *Credentials
	// TLS holds the settings for verifying the server and for the client certificate.
	TLS TLS
	// Proxy holds the proxy settings.
	Proxy Proxy
	// Timeout limits one poll including all its requests; it is positive.
	Timeout time.Duration
	// MaxConcurrentRequests limits requests in flight to this Ops Manager across all
	// scrapes; it is positive.
	MaxConcurrentRequests int
	// DisableKeepAlives opens a new connection for each request. It is the inverse of
	// reuse_connections.
	DisableKeepAlives bool
	// Team is responsible for organizations that name no team; it may be empty.
	Team string
	// Orgs are in file order; there is at least one.
	Orgs []Org
}

// CredentialsOf returns the credentials for polling o. They are never nil for an
// organization of m in a configuration that [Load] returned.
func (m *OpsManager) CredentialsOf(o *Org) *Credentials { return cmp.Or(o.Credentials, m.Credentials) }

// TeamOf returns the team responsible for o, or "" if none is configured.
func (m *OpsManager) TeamOf(o *Org) string { return cmp.Or(o.Team, m.Team) }

// Org is one organization of an Ops Manager.
type Org struct {
	// ID is 24 lower-case hexadecimal digits and unique in the configuration.
	ID string
	// Name is a display name; it may be empty.
	Name string
	// Team is responsible for this organization. If empty, the Ops Manager's is used.
	Team string
	// Credentials are nil if those of the Ops Manager are used.
	Credentials *Credentials
}
