package faults_test

import (
	"fmt"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/realproxy"
)

// TestCacheInFront polls through an nginx that caches responses and serves them to requests
// without credentials too. None of them becomes a value, whether the key is wrong or Ops
// Manager is down.
func TestCacheInFront(t *testing.T) {
	t.Parallel()
	const orgs = 20
	servers := backEnds(t, 1, orgs, simulator.Options{})
	front := realproxy.StartNginx(t, realproxy.Options{BackEnds: urls(servers), Cache: true})
	with := func(privateKey string) string {
		key := fmt.Sprintf("{public_key: %s, private_key: %s}", publicKey, privateKey)
		return serveExporter(t, "ops_managers:\n"+manager("om", target{url: front, key: key}, ids(orgs, healthyOrg)...))
	}
	if sum := take(t, with(privateKey), 1, orgs); len(sum.lost) > 0 {
		t.Errorf("before anything is kept: %v", sum.lost)
	}
	stranger := with("not-the-private-key")
	if sum := take(t, stranger, 2, orgs); sum.lost["bad_response"] != 2*orgs {
		t.Errorf("a wrong key: %v", sum.lost)
	}
	if err := servers[0].Close(); err != nil {
		t.Fatal(err)
	}
	if sum := take(t, stranger, 2, orgs); sum.lost["bad_response"] != 2*orgs {
		t.Errorf("a wrong key, Ops Manager stopped: %v", sum.lost)
	}
	if sum := take(t, with(privateKey), 1, orgs); sum.lost["bad_response"] != orgs {
		t.Errorf("the right key at first contact, Ops Manager stopped: %v", sum.lost)
	}
}
