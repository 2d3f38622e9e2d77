// Package demo sets up a simulated Ops Manager with organizations in the usual
// states and a configuration that reads them, for trying the exporter without an
// Ops Manager and without any file.
package demo

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/config"
)

// The keys belong to the simulated Ops Manager alone, which listens on loopback.
const (
	publicKey  = "demopubl"
	privateKey = "demo-private-key"
	wrongKey   = "not-the-private-key"

	// timeout is short, so that the organization that never answers does not
	// hold up the first scrape.
	timeout = time.Second
)

// Demo is a running simulated Ops Manager. Close ends it.
type Demo struct {
	// Config reads the organizations of the simulated Ops Manager.
	Config *config.Config
	server *simulator.Server
	states []state
}

// state is an organization of the demo.
type state struct {
	id, name string
	team     string // whom to call; "" for nobody in particular
	shows    string // what a user sees of it
	org      simulator.Org
	wrongKey bool
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
	manager := config.OpsManager{
		Name: "demo", URL: base, APIKey: key(privateKey), Timeout: timeout, MaxConcurrentRequests: 16,
	}
	for _, s := range d.states {
		server.SetOrg(s.id, s.org)
		org := config.Org{ID: s.id, Name: s.name, Team: s.team}
		if s.wrongKey {
			org.APIKey = key(wrongKey)
		}
		manager.Orgs = append(manager.Orgs, org)
	}
	d.Config = &config.Config{OpsManagers: []config.OpsManager{manager}}
	return d, nil
}

// Close stops the simulated Ops Manager.
func (d *Demo) Close() error { return d.server.Close() }

// Guide tells what is where and what to try; address is what the exporter
// listens on.
func (d *Demo) Guide(address, telemetryPath string) string {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		address = net.JoinHostPort(cmp.Or(host, "localhost"), port)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "A simulated Ops Manager answers at %s, for this demo alone.\n", d.server.URL())
	fmt.Fprintf(&b, "The exporter reads it at each scrape of http://%s%s\n\n", address, telemetryPath)
	for _, s := range d.states {
		fmt.Fprintf(&b, "  %s  %-10s  %s\n", s.id, s.name, s.shows)
	}
	fmt.Fprintf(&b, "\nTry:\n")
	fmt.Fprintf(&b, "  curl -s http://%s%s | grep ^opsmanager_migration_link_synced\n", address, telemetryPath)
	fmt.Fprintf(&b, "  curl -s http://%s%s | grep ^opsmanager_migration_link_scrape_failure_reason\n", address, telemetryPath)
	fmt.Fprintf(&b, "Ctrl-C ends it.\n\n")
	return b.String()
}

func key(private string) *config.APIKey {
	return &config.APIKey{PublicKey: config.NewSecret(publicKey), PrivateKey: config.NewSecret(private)}
}

func states() []state {
	return []state{
		{id: "5f1e9c2b8d3a4e0012ab3401", name: "Payments", team: "payments-dba", shows: "synced", org: simulator.Org{Answer: simulator.Status("SYNCED")}},
		{id: "5f1e9c2b8d3a4e0012ab3402", name: "Risk", team: "payments-dba", shows: "not synced", org: simulator.Org{Answer: simulator.Status("NOT_SYNCED")}},
		{id: "5f1e9c2b8d3a4e0012ab3403", name: "Orders", team: "commerce-dba", shows: "synced, not synced, changing every minute", org: simulator.Org{Answer: simulator.Flipping(time.Minute, time.Now)}},
		{id: "5f1e9c2b8d3a4e0012ab3404", name: "Billing", team: "payments-dba", shows: "unknown: role", org: simulator.Org{Answer: simulator.MissingRole(false)}},
		{id: "5f1e9c2b8d3a4e0012ab3405", name: "Shipping", team: "commerce-dba", shows: "unknown: access_list", org: simulator.Org{Answer: simulator.NotOnAccessList("192.0.2.17")}},
		{id: "5f1e9c2b8d3a4e0012ab3406", name: "Archive", team: "commerce-dba", shows: "unknown: timeout", org: simulator.Org{Answer: simulator.Hang()}},
		{id: "5f1e9c2b8d3a4e0012ab3407", name: "Catalog", team: "commerce-dba", shows: "unknown: unknown_status", org: simulator.Org{Answer: simulator.Status("SYNCING")}},
		{id: "5f1e9c2b8d3a4e0012ab3408", name: "Search", shows: "unknown: unauthorized", org: simulator.Org{Answer: simulator.Status("SYNCED")}, wrongKey: true},
	}
}
