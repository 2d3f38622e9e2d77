// Package collector turns the organizations of a configuration into metrics.
//
// Data flows one way. A scrape request gets a deadline ([Exporter.Metrics]);
// every organization is polled for it; each Ops Manager's queue gives the polls
// slots and lets simultaneous scrapes share them; the API client (package
// opsmanager) asks; the answers come back as plain [Result] values; and rendering
// turns those into metrics without any further input or output.
//
// What outlives a scrape is in [Exporter]: clients with their connections and
// digest state as long as their configuration stays, and what is counted for an
// organization as long as it is configured.
package collector
