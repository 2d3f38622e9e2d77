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

// answer is how one poll ended for one scrape.
type answer struct {
	reading
	at       time.Time
	duration time.Duration
}

// Results are what one scrape learned: plain values, shared with nobody.
type Results struct {
	Orgs    []Result // in the order of the configuration
	Servers []Server // the Ops Managers of these organizations whose version is known
}

// Result is what one scrape learned of one organization.
type Result struct {
	OrgID      string
	OrgName    string // the ID where no name is configured
	OpsManager string
	Team       string // whom to call; "" where none is configured
	// Status was read from the API during this scrape; "" where Err is set.
	Status opsmanager.Status
	// Err is an [*opsmanager.Error]; nil where Status was read.
	Err error
	// Duration is the time from the start of the poll, or of the scrape if it
	// joined a poll in flight, to the answer or the deadline.
	Duration time.Duration
	// Errors counts the scrapes that failed for this organization, this one
	// included.
	Errors uint64
	// LastSuccess is when a status was last read; the zero time before that.
	LastSuccess time.Time
}

// Server is an Ops Manager and the version that it last reported.
type Server struct {
	OpsManager string
	Version    string
}
