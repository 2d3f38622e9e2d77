// Package collector turns the organizations of a configuration into metrics.
//
// Data flows one way. A scrape gets a deadline and a [Collector] with its own
// registry; the Collector polls every organization of its [Targets]; each Ops
// Manager's scheduler gives the polls slots and lets simultaneous scrapes share
// them; the API client (package opsmanager) asks; the answers come back as plain
// [Result] values, and the Collector sends them as metrics.
//
// What outlives a scrape is in [Exporter]: clients with their connections and
// digest state as long as their configuration stays, and what is counted for an
// organization as long as it is configured.
package collector
