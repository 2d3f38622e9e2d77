package collector

import (
	"time"

	"opsmanager_exporter/collector/opsmanager"
)

// reading is what one poll returns.
type reading struct {
	opsmanager.Reading
	err error
}

// answer is the outcome of one poll for one scrape.
type answer struct {
	reading
	at       time.Time
	duration time.Duration
}

// Results are the results of one scrape: plain values that are not shared.
type Results struct {
	Orgs    []Result // in the order of the configuration
	Servers []Server // the Ops Managers of these organizations, if their version is known
}

// Result is the result of one scrape for one organization.
type Result struct {
	OrgID      string
	OrgName    string // the ID if no name is configured
	OpsManager string
	Team       string // "" if none is configured
	// Status was read from the API during this scrape; "" if Err is set.
	Status opsmanager.Status
	// Err is an [*opsmanager.Error]; nil if Status was read.
	Err error
	// Duration is the time from the start of the poll, or of the scrape if it
	// joined a poll in flight, to the answer or the deadline.
	Duration time.Duration
	// Errors is the number of scrapes that failed for this organization, including
	// this one.
	Errors uint64
	// LastSuccess is when a status was last read; zero if it never was.
	LastSuccess time.Time
}

// Server is an Ops Manager and the version that it last reported.
type Server struct {
	OpsManager string
	Version    string
}
