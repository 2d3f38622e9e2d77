package collector_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/config"
)

const clientID, clientSecret = "mdb_sa_id_66f2c1e7a9b0d4123456abcd", "mdb_sa_sk_Zm9vYmFy"

// withAccount lets all organizations use a service account, whose secret is in the file
// returned, and applies that.
func (f *fixture) withAccount(t *testing.T) (file string) {
	t.Helper()
	f.sim.SetAccount(clientID, simulator.Account{Secret: clientSecret})
	file = filepath.Join(t.TempDir(), "secret")
	testfile.Write(t, file, clientSecret)
	f.manager.Credentials = &config.Credentials{
		Kind: config.ServiceAccount, Public: config.Half{Text: config.NewSecret(clientID)}, Private: config.Half{File: file},
	}
	f.apply()
	return file
}

// The first scrape requests one token, and each later poll takes one request, whatever is
// reloaded.
func TestRequestsOfAServiceAccount(t *testing.T) {
	t.Parallel()
	const orgs = 200
	f := start(t, settings{orgs: orgs})
	f.withAccount(t)
	for i := range 4 {
		f.sim.ResetCounts()
		s := f.scrape(t, "60")
		for n := range orgs {
			if got := s.State(t, orgID(n)); got != "1" {
				t.Fatalf("scrape %d: %s", i, got)
			}
		}
		tokens := 0
		if i == 0 {
			tokens = 1
		}
		if got := f.sim.Counts(); got.TokenRequests != tokens || got.Requests != orgs+tokens || got.OK != got.Requests {
			t.Errorf("scrape %d: %+v", i, got)
		}
		f.manager.Timeout += time.Millisecond // replaces the client
		f.apply()
	}
}

// A new secret is read without a reload; until it is right, the last good one and its token
// stay in use where the file says nothing.
func TestRotationOfAServiceAccount(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 2})
	file := f.withAccount(t)
	f.expect(t, "before", "1")

	f.sim.SetAccount(clientID, simulator.Account{Secret: "new"})
	f.expect(t, "new secret at the server, the token still serves", "1")
	testfile.Write(t, file, "")
	f.expect(t, "empty file", "1")
	testfile.Write(t, file, "wrong")
	f.expect(t, "wrong secret", "unauthorized")
	testfile.Write(t, file, "new")
	f.expect(t, "right secret", "1")
	if got := f.sim.Counts(); got.Tokens != 2 {
		t.Errorf("%d tokens", got.Tokens)
	}

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	f.sim.RevokeTokens()
	f.expect(t, "no file, token revoked", "1")
}

// Changing from an API key to a service account is a reload like any other.
func TestReloadToAServiceAccount(t *testing.T) {
	t.Parallel()
	f := start(t, settings{orgs: 1})
	f.expect(t, "API key", "1")
	f.withAccount(t)
	f.sim.ResetCounts()
	f.expect(t, "service account", "1")
	if got := f.sim.Counts(); got.TokenRequests != 1 || got.Requests != 2 {
		t.Errorf("got %+v", got)
	}
}
