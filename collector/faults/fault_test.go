package faults_test

import (
	"fmt"
	"slices"
	"testing"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/simulated"
)

// fault is something that can go wrong, or that must have no effect.
type fault struct {
	name string
	want string // "1", "0", or the expected reason
	or   string // an alternative to want if the result is random; "" for none

	// One of answer, before and target is set. answer responds to authenticated
	// requests for an organization; target is a separate Ops Manager.
	answer simulator.Answer
	// before responds instead of authenticating.
	before simulator.Answer
	target func(scene) target
	// account polls with a service account instead of an API key.
	account bool
	// program means that the target runs a program that may not be installed.
	program bool
}

// when returns the expected result. A response in place of a challenge is to a request
// without credentials, so it is never a status, and in place of a token it is none.
func (f fault) when(alone bool) string {
	if alone && f.answer != nil && slices.Contains([]string{"1", "0", "unknown_status"}, f.want) {
		return "bad_response"
	}
	return f.want
}

// gives reports whether the exporter may report state.
func (f fault) gives(state string, alone bool) bool {
	return state == f.when(alone) || f.or != "" && state == f.or
}

// scene is the context of a fault: a test, and the organizations with the fault.
type scene struct {
	*testing.T
	orgs []string
}

// target is the configuration of an Ops Manager with a fault.
type target struct {
	url      string
	key      string // api_key; the default is the key that all simulators know
	account  bool   // key is that of a service account
	settings string // further lines of the configuration
	// mend ends the fault, so that the organizations are SYNCED; nil if it cannot be
	// ended.
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
		"account": accountFaults(),
	}
}

// allFaults returns the faults of all families, with unique names family/fault.
func allFaults(tb testing.TB) []fault {
	tb.Helper()
	var all []fault
	seen := make(map[string]bool)
	for family, faults := range families() {
		for _, f := range faults {
			if family != "account" && f.concernsAccounts(family) {
				twin := f
				twin.name, twin.account = "account "+family+"/"+f.name, true
				all = append(all, twin)
			}
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

// ownFaults returns the faults that need no other program. Outside CI these are the same
// twins as in TestMatrix.
func ownFaults(tb testing.TB) []fault {
	tb.Helper()
	var own []fault
	for i, f := range allFaults(tb) {
		if !f.program && (ci.Running() || !f.isTwin() || i%16 < 2) {
			own = append(own, f)
		}
	}
	return own
}

const (
	publicKey  = "pubkqmzx"
	privateKey = "5ec2e7a1-0f3d-4b6c-9e21-7d5c0a1b2c3d"
)

// inlineKey is the API key as YAML. There is a service account of the same name and secret.
var inlineKey = fmt.Sprintf("{public_key: %s, private_key: %s}", publicKey, privateKey)

// faultOrg returns the ID of an organization with a fault.
func faultOrg(i int) string { return fmt.Sprintf("fa0175000000000000%06x", i) }

// healthyOrg returns the ID of an organization without a fault, which is SYNCED if i is
// even.
func healthyOrg(i int) string { return fmt.Sprintf("0ea17450000000000a%06x", i) }

// simulate starts a simulated Ops Manager with the key and the organizations, all SYNCED.
func (s scene) simulate(o simulator.Options) *simulator.Server {
	s.Helper()
	server := simulated.Server(s, o)
	server.SetKey(publicKey, privateKey)
	server.SetAccount(publicKey, simulator.Account{Secret: privateKey})
	for _, org := range s.orgs {
		server.SetOrg(org, simulator.Org{})
	}
	return server
}

// at is a target at a URL that cannot be mended.
func at(url string) func(scene) target {
	return func(scene) target { return target{url: url} }
}

// trusting returns a tls_config that trusts only ca, and the file that it names.
func trusting(tb testing.TB, ca *authority.Authority) (settings, file string) {
	tb.Helper()
	file = ca.File(tb)
	return fmt.Sprintf("tls_config: {ca_file: %q}", file), file
}
