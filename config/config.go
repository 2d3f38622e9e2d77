// Package config reads the configuration file of the exporter and the key and
// certificate files that it names.
//
// [Load] yields only configurations that obey every rule. The files that a
// configuration names are read later, each time [APIKey.Read] or [TLS.Read] is
// called, so that they can be replaced without a reload. Secrets show
// themselves in no error and in no printed form of any type of this package.
package config

import (
	"net/url"
	"time"
)

// The values of settings that a configuration leaves out.
const (
	// DefaultTimeout is how long one poll may take.
	DefaultTimeout = 5 * time.Second
	// DefaultMaxConcurrentRequests is how many requests one Ops Manager gets at once.
	DefaultMaxConcurrentRequests = 16
)

// Config is a valid configuration. It is not modified after [Load] and is
// therefore safe for concurrent use.
type Config struct {
	// File is the name of the configuration file as [Load] was given it.
	File string
	// OpsManagers are in the order of the file; there is at least one.
	OpsManagers []OpsManager
}

// OpsManager is one MongoDB Ops Manager, or Cloud Manager, and its organizations.
type OpsManager struct {
	// Name is unique in the configuration. Where none is configured it is the
	// host and port of the URL.
	Name string
	// URL is http or https and has a host, perhaps a path prefix, and no user,
	// query or fragment.
	URL *url.URL
	// APIKey is used for each organization that has none of its own; nil if
	// every organization has one.
	APIKey *APIKey
	// TLS says how the server is verified and which certificate it is shown.
	TLS TLS
	// Proxy says how the server is reached.
	Proxy Proxy
	// Timeout limits one poll with all its requests; it is positive.
	Timeout time.Duration
	// MaxConcurrentRequests limits the requests in flight to this Ops Manager,
	// over all scrapes together; it is positive.
	MaxConcurrentRequests int
	// Orgs are in the order of the file; there is at least one.
	Orgs []Org
}

// Key returns the API key to poll o with. It is never nil for an organization
// of m in a configuration that [Load] returned.
func (m *OpsManager) Key(o *Org) *APIKey {
	if o.APIKey != nil {
		return o.APIKey
	}
	return m.APIKey
}

// Org is one organization of an Ops Manager.
type Org struct {
	// ID has 24 lower-case hexadecimal digits and is unique in the configuration.
	ID string
	// Name is for people; it may be empty.
	Name string
	// APIKey is nil where the key of the Ops Manager is used.
	APIKey *APIKey
}
