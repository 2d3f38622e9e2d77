// Package config reads the configuration file of the exporter and the key and
// certificate files that it names.
//
// [Load] returns only configurations that obey every rule, and otherwise all
// problems of the file at once. The files that a configuration names are read
// later, each time [APIKey.Read] or [TLS.Read] is called, so that they can be
// replaced without a reload. A program that reloads its configuration reads
// through one [Files], which bounds the reads that a dead network file system
// holds up. Secrets appear in no error and in no printed form of any type of this
// package.
package config

import (
	"cmp"
	"net/url"
	"time"
)

// The values of settings that a configuration leaves out.
const (
	// DefaultTimeout limits one poll.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxConcurrentRequests limits the requests in flight to one Ops Manager.
	DefaultMaxConcurrentRequests = 16
)

// Config is a valid configuration. It is not modified after [Load] and therefore
// safe for concurrent use.
type Config struct {
	// File is the name of the configuration file as it was passed to [Load].
	File string
	// OpsManagers are in the order of the file; there is at least one.
	OpsManagers []OpsManager

	files *Files // reads the files that it names; nil where Load did not make it
}

// OpsManager is one MongoDB Ops Manager, or Cloud Manager, and its organizations.
type OpsManager struct {
	// Name is unique in the configuration. It defaults to the host and port of the
	// URL.
	Name string
	// URL is an http or https URL with a host, perhaps a path prefix, and no user,
	// query or fragment.
	URL *url.URL
	// APIKey is used for each organization that has none of its own; nil if all
	// have one.
	APIKey *APIKey
	// TLS says how the server is verified and which certificate it is sent.
	TLS TLS
	// Proxy says how the server is reached.
	Proxy Proxy
	// Timeout limits one poll with all its requests; it is positive.
	Timeout time.Duration
	// MaxConcurrentRequests limits the requests in flight to this Ops Manager, over
	// all scrapes together; it is positive.
	MaxConcurrentRequests int
	// DisableKeepAlives asks for a new connection for each request: the setting
	// reuse_connections is false.
	DisableKeepAlives bool
	// Team is whom to call about an organization that names no team of its own; it
	// may be empty.
	Team string
	// Orgs are in the order of the file; there is at least one.
	Orgs []Org
}

// Key returns the API key for polling o. It is never nil for an organization of m
// in a configuration that [Load] returned.
func (m *OpsManager) Key(o *Org) *APIKey {
	if o.APIKey != nil {
		return o.APIKey
	}
	return m.APIKey
}

// TeamOf returns whom to call about o, "" where no team is configured.
func (m *OpsManager) TeamOf(o *Org) string { return cmp.Or(o.Team, m.Team) }

// Org is one organization of an Ops Manager.
type Org struct {
	// ID is 24 lower-case hexadecimal digits and unique in the configuration.
	ID string
	// Name is for people; it may be empty.
	Name string
	// Team is whom to call about this organization; the Ops Manager's if it is empty.
	Team string
	// APIKey is nil if the key of the Ops Manager is used.
	APIKey *APIKey
}
