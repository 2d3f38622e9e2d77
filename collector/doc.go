// Package collector turns the organizations of a configuration into metrics.
//
// Data flows in one direction. A scrape has a deadline and a [Collector] with its
// own registry; the Collector polls every organization of its [Targets]; the
// scheduler of each Ops Manager assigns request slots to the polls and shares polls
// between simultaneous scrapes; the API client (package opsmanager) sends the
// requests; the results are plain [Result] values, which the Collector sends as
// metrics.
//
// [Exporter] holds the state that outlives a scrape: clients with their connections
// and digest state as long as their configuration is unchanged, and the counts of
// an organization as long as it is configured.
package collector
