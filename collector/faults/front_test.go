package faults_test

import (
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/realproxy"
)

// inPlace is a target that responds without requiring credentials.
func inPlace(answer simulator.Answer) func(scene) target {
	return func(s scene) target {
		server := s.simulate(simulator.Options{})
		for _, org := range s.orgs {
			server.SetOrg(org, simulator.Org{BeforeAuth: answer})
		}
		return target{url: server.URL()}
	}
}

// behindProxy is a target of two servers behind a real proxy that do not share nonces.
func behindProxy(start func(testing.TB, realproxy.Options) string, o realproxy.Options, n simulator.Nonce) func(scene) target {
	return func(s scene) target {
		first := s.simulate(simulator.Options{Nonce: n})
		second := s.simulate(simulator.Options{Nonce: n, Beside: first})
		o.BackEnds = []string{first.URL(), second.URL()}
		return target{url: start(s, o) + o.StripPrefix}
	}
}

// frontFaults returns the faults of caches, gateways and load balancers in front of Ops
// Manager.
func frontFaults() []fault {
	synced := simulator.Status("SYNCED")
	with := func(name, value string) simulator.Answer { return simulator.WithHeader(name, value, synced) }
	foreign := simulator.Nonce{UnknownRefused: true}
	sticky := realproxy.Options{Sticky: true}
	return []fault{
		{name: "status without credentials", want: "bad_response", target: inPlace(synced)},
		{name: "status and challenge without credentials", want: "bad_response", target: inPlace(with("WWW-Authenticate", `Digest realm="x", nonce="y", qop="auth"`))},
		{name: "nonsense without credentials", want: "bad_response", target: inPlace(bodied("nonsense"))},

		{name: "Age", want: "bad_response", answer: with("Age", "300")},
		{name: "Age of a second", want: "bad_response", answer: with("Age", "1")},
		{name: "Age 0", want: "1", answer: with("Age", "0")},
		{name: "two Ages", want: "bad_response", answer: simulator.WithHeader("Age", "0", with("Age", "30"))},
		{name: "two Ages of 0", want: "1", answer: simulator.WithHeader("Age", "0", with("Age", "0"))},
		{name: "X-Cache hit", want: "bad_response", answer: with("X-Cache", "HIT")},
		{name: "X-Cache hit of a Squid", want: "bad_response", answer: with("X-Cache", "HIT from cache.example.net")},
		{name: "X-Cache hit in a second cache", want: "bad_response", answer: simulator.WithHeader("X-Cache", "MISS", with("X-Cache", "HIT"))},
		{name: "X-Cache miss", want: "1", answer: with("X-Cache", "MISS")},
		{name: "Cache-Status hit", want: "bad_response", answer: with("Cache-Status", "ExampleCache; hit")},
		{name: "Cache-Status hit in a second cache", want: "bad_response", answer: with("Cache-Status", "OriginCache; fwd=uri-miss, CDN; hit; ttl=376")},
		{name: "Cache-Status miss", want: "1", answer: with("Cache-Status", "ExampleCache; fwd=uri-miss; stored")},
		{name: "Warning 110", want: "bad_response", answer: with("Warning", `110 - "Response is Stale"`)},
		{name: "Warning 111", want: "bad_response", answer: with("Warning", `111 cache.example.net "Revalidation Failed"`)},
		{name: "Warning 199", want: "1", answer: with("Warning", `199 - "Miscellaneous"`)},

		{name: "Authentication-Info", want: "1", answer: simulator.WithAuthenticationInfo("", synced)},
		{name: "Authentication-Info without what can be checked", want: "1", answer: with("Authentication-Info", `nextnonce="x", qop=auth`)},
		{name: "rspauth of another request", want: "bad_response", answer: simulator.WithAuthenticationInfo("rspauth", synced)},
		{name: "cnonce of another request", want: "bad_response", answer: simulator.WithAuthenticationInfo("cnonce", synced)},
		{name: "nc of another request", want: "bad_response", answer: simulator.WithAuthenticationInfo("nc", synced)},

		{name: "session cookie", want: "1", target: nonces(simulator.Nonce{Session: true})},
		{name: "session cookie, unknown nonce refused", want: "1", target: nonces(simulator.Nonce{Session: true, UnknownRefused: true})},
		{name: "unknown nonce refused", want: "1", target: nonces(foreign)},
		{name: "unknown nonce refused, nonces of half a second", want: "1", target: nonces(simulator.Nonce{UnknownRefused: true, Lifetime: 500 * time.Millisecond})},
		{name: "sticky cookie", want: "1", program: true, target: behindProxy(realproxy.StartHAProxy, sticky, simulator.Nonce{})},
		{name: "sticky cookie, foreign nonce refused", want: "1", program: true, target: behindProxy(realproxy.StartHAProxy, sticky, foreign)},
		{name: "sticky cookie, session cookie", want: "1", program: true, target: behindProxy(realproxy.StartHAProxy, sticky, simulator.Nonce{Session: true})},
		{name: "prefix stripped by HAProxy", want: "1", program: true, target: behindProxy(realproxy.StartHAProxy, realproxy.Options{Sticky: true, StripPrefix: "/om"}, simulator.Nonce{})},
	}
}
