package faults_test

import (
	"fmt"
	"slices"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/simulated"
)

// fault is something that can go wrong, or that must not matter.
type fault struct {
	name string
	want string // "1", "0", or the reason that the exporter must give
	or   string // what it may give as well, where chance decides; "" for nothing

	// One of these. An answer is given to the authenticated requests for an
	// organization, instead of its status; a target is an Ops Manager of its own.
	answer simulator.Answer
	// before answers instead of authentication.
	before simulator.Answer
	target func(scene) target
	// program says that the target runs one, which may not be installed.
	program bool
}

// when returns what the exporter must say. An answer in place of a challenge goes
// to a request without credentials, so that it is never a status.
func (f fault) when(alone bool) string {
	if alone && f.answer != nil && slices.Contains([]string{"1", "0", "unknown_status"}, f.want) {
		return "bad_response"
	}
	return f.want
}

// gives reports whether the exporter may say so.
func (f fault) gives(state string, alone bool) bool {
	return state == f.when(alone) || f.or != "" && state == f.or
}

// scene is where a fault is met: a test, and the organizations that have it.
type scene struct {
	*testing.T
	orgs []string
}

// target is an Ops Manager that a fault has, as the configuration names it.
type target struct {
	url      string
	key      string // its api_key, the one that all simulators know by default
	settings string // further lines of the configuration
	// mend ends the fault, whereupon the organizations are SYNCED; nil where it
	// has no end.
	mend func()
}

// families are the faults by kind.
func families() map[string][]fault {
	return map[string][]fault{
		"network": networkFaults(),
		"dns":     dnsFaults(),
		"tls":     tlsFaults(),
		"proxy":   proxyFaults(),
		"http":    httpFaults(),
		"digest":  digestFaults(),
		"front":   frontFaults(),
		"body":    bodyFaults(),
		"files":   fileFaults(),
	}
}

// allFaults returns the faults of every family, named family/fault, each name
// once.
func allFaults(tb testing.TB) []fault {
	tb.Helper()
	var all []fault
	seen := make(map[string]bool)
	for family, faults := range families() {
		for _, f := range faults {
			f.name = family + "/" + f.name
			if seen[f.name] {
				tb.Fatalf("two faults are called %s", f.name)
			}
			seen[f.name] = true
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b fault) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return all
}

// ownFaults returns the faults that need no program.
func ownFaults(tb testing.TB) []fault {
	tb.Helper()
	return slices.DeleteFunc(allFaults(tb), func(f fault) bool { return f.program })
}

const (
	publicKey  = "pubkqmzx"
	privateKey = "5ec2e7a1-0f3d-4b6c-9e21-7d5c0a1b2c3d"
)

// inlineKey is the API key as the configuration may hold it.
var inlineKey = fmt.Sprintf("{public_key: %s, private_key: %s}", publicKey, privateKey)

// faultOrg is the ID of an organization that has a fault.
func faultOrg(i int) string { return fmt.Sprintf("fa0175000000000000%06x", i) }

// healthyOrg is the ID of one that has none: SYNCED where i is even.
func healthyOrg(i int) string { return fmt.Sprintf("0ea17450000000000a%06x", i) }

// simulate starts a simulated Ops Manager that knows the key and the
// organizations, all SYNCED.
func (s scene) simulate(o simulator.Options) *simulator.Server {
	s.Helper()
	server := simulated.Server(s, o)
	server.SetKey(publicKey, privateKey)
	for _, org := range s.orgs {
		server.SetOrg(org, simulator.Org{})
	}
	return server
}

// at is a target at a URL that nothing can mend.
func at(url string) func(scene) target {
	return func(scene) target { return target{url: url} }
}

// trusting returns the tls_config of who trusts an authority alone, and the file
// that it names.
func trusting(tb testing.TB, ca *authority.Authority) (settings, file string) {
	tb.Helper()
	file = ca.File(tb)
	return fmt.Sprintf("tls_config: {ca_file: %q}", file), file
}
