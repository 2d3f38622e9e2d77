// Package simulated starts simulated Ops Managers for tests and returns configurations
// for them.
package simulated

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/config"
)

// The API key of all organizations.
const (
	PublicKey  = "jkqmzxvt"
	PrivateKey = "5b1c2a7e-private"
)

// OrgID returns the ID of organization number i.
func OrgID(i int) string { return fmt.Sprintf("5f1e9c2b8d3a4e00%08x", i) }

// Server starts an Ops Manager without keys or organizations, which ends with the test.
func Server(tb testing.TB, opts simulator.Options) *simulator.Server {
	tb.Helper()
	s, err := simulator.Start(opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// OpsManager starts an Ops Manager, which ends with the test, with that many SYNCED
// organizations. The configuration has a poll timeout of 5 s and 16 slots.
func OpsManager(tb testing.TB, opts simulator.Options, orgs int) (*simulator.Server, config.OpsManager) {
	tb.Helper()
	sim := Server(tb, opts)
	base, err := url.Parse(sim.URL())
	if err != nil {
		tb.Fatal(err)
	}
	m := config.OpsManager{
		Name: "production", URL: base, Credentials: Key(PublicKey),
		Timeout: 5 * time.Second, MaxConcurrentRequests: 16,
	}
	sim.SetKey(PublicKey, PrivateKey)
	for i := range orgs {
		m.Orgs = append(m.Orgs, config.Org{ID: OrgID(i)})
		sim.SetOrg(OrgID(i), simulator.Org{})
	}
	return sim, m
}

// Held gives an answer once release is closed.
func Held(release <-chan struct{}, answer simulator.Answer) simulator.Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
			return
		}
		answer(w, r)
	}
}

// Key returns an API key with this public key.
func Key(public string) *config.Credentials {
	return &config.Credentials{Public: config.Half{Text: config.NewSecret(public)}, Private: config.Half{Text: config.NewSecret(PrivateKey)}}
}
