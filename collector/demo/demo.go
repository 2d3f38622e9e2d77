// Package demo starts a simulated Ops Manager with organizations in the usual
// states, and provides a configuration for it, to try the exporter without an Ops
// Manager and without any files.
package demo

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/config"
)

// The credentials are only valid for the simulated Ops Manager, which listens on loopback.
const (
	publicKey    = "demopubl"
	privateKey   = "demo-private-key"
	wrongKey     = "not-the-private-key"
	clientID     = "mdb_sa_id_demo"
	clientSecret = "mdb_sa_sk_demo" //nolint:gosec // see above

	// timeout is short, so that the organization that never responds does not delay
	// the first scrape.
	timeout = time.Second
)

// Demo is a running simulated Ops Manager. Close stops it.
type Demo struct {
	// Config is a configuration for the simulated Ops Manager.
	Config *config.Config
	server *simulator.Server
	states []state
}

// state is an organization of the demo.
type state struct {
	id, name string
	team     string // "" for none
	shows    string // description of the state
	org      simulator.Org
	own      *config.Credentials // nil for the API key of the Ops Manager
}

// Start starts the simulated Ops Manager on a free port of 127.0.0.1.
func Start() (*Demo, error) {
	server, err := simulator.Start(simulator.Options{})
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(server.URL())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("parse the simulated Ops Manager's URL: %w", err), server.Close())
	}
	d := &Demo{server: server, states: states()}
	server.SetKey(publicKey, privateKey)
	server.SetAccount(clientID, simulator.Account{Secret: clientSecret})
	manager := config.OpsManager{
		Name: "demo", URL: base, Credentials: credentials(config.APIKey, publicKey, privateKey), Timeout: timeout, MaxConcurrentRequests: 16,
	}
	for _, s := range d.states {
		server.SetOrg(s.id, s.org)
		manager.Orgs = append(manager.Orgs, config.Org{ID: s.id, Name: s.name, Team: s.team, Credentials: s.own})
	}
	d.Config = &config.Config{OpsManagers: []config.OpsManager{manager}}
	return d, nil
}

// Close stops the simulated Ops Manager.
func (d *Demo) Close() error { return d.server.Close() }

// Guide returns a guide to the exporter that serves the demo. base is the URL that
// its paths are relative to.
func (d *Demo) Guide(base *url.URL, telemetryPath string) string {
	metrics := base.JoinPath(telemetryPath).String()
	probe := base.JoinPath("probe").String() + "?target=" + d.states[len(d.states)-1].id + "&debug=true"
	var b strings.Builder
	fmt.Fprintf(&b, "The exporter polls a simulated Ops Manager at %s, which has these organizations:\n\n", d.server.URL())
	for _, s := range d.states {
		fmt.Fprintf(&b, "  %s  %-10s  %s\n", s.id, s.name, s.shows)
	}
	fmt.Fprintf(&b, `
  Metrics             %s
  Status page         %s
  Service discovery   %s
  Debug probe         %s

Each scrape polls all organizations; the status page shows the last scrape. In another terminal, try:

  curl -s %s | grep ^opsmanager_migration_link_synced
  curl -s %s | grep ^opsmanager_migration_link_scrape_failure_reason
  curl -s '%s'

The scrape configuration and alerting rules are in deploy/prometheus, the Grafana dashboard is in dashboards/migration-links.json.
Press Ctrl-C to stop.

`, metrics, base.JoinPath("/"), base.JoinPath("sd"), probe, metrics, metrics, probe)
	return b.String()
}

func credentials(kind config.Kind, public, private string) *config.Credentials {
	return &config.Credentials{Kind: kind, Public: config.Half{Text: config.NewSecret(public)}, Private: config.Half{Text: config.NewSecret(private)}}
}

func states() []state {
	return []state{
		{id: "5f1e9c2b8d3a4e0012ab3401", name: "Payments", team: "payments-dba", shows: "synced", org: simulator.Org{Answer: simulator.Status("SYNCED")}},
		{id: "5f1e9c2b8d3a4e0012ab3402", name: "Risk", team: "payments-dba", shows: "not synced", org: simulator.Org{Answer: simulator.Status("NOT_SYNCED")}},
		{id: "5f1e9c2b8d3a4e0012ab3403", name: "Orders", team: "commerce-dba", shows: "alternates between synced and not synced every minute; polled with a service account", org: simulator.Org{Answer: simulator.Flipping(time.Minute, time.Now)}, own: credentials(config.ServiceAccount, clientID, clientSecret)},
		{id: "5f1e9c2b8d3a4e0012ab3404", name: "Billing", team: "payments-dba", shows: "unknown: role", org: simulator.Org{Answer: simulator.MissingRole(false)}},
		{id: "5f1e9c2b8d3a4e0012ab3405", name: "Shipping", team: "commerce-dba", shows: "unknown: access_list", org: simulator.Org{Answer: simulator.NotOnAccessList("192.0.2.17")}},
		{id: "5f1e9c2b8d3a4e0012ab3406", name: "Archive", team: "commerce-dba", shows: "unknown: timeout", org: simulator.Org{Answer: simulator.Hang()}},
		{id: "5f1e9c2b8d3a4e0012ab3407", name: "Catalog", team: "commerce-dba", shows: "unknown: unknown_status", org: simulator.Org{Answer: simulator.Status("SYNCING")}},
		{id: "5f1e9c2b8d3a4e0012ab3408", name: "Search", shows: "unknown: unauthorized", org: simulator.Org{Answer: simulator.Status("SYNCED")}, own: credentials(config.APIKey, publicKey, wrongKey)},
	}
}
