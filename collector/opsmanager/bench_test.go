package opsmanager_test

import (
	"net/http"
	"testing"

	"github.com/icholy/digest"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

// A warm poll: connection and nonce are there, except every 1,000th time.
func BenchmarkPoll(b *testing.B) {
	s := simulate(b, simulator.Options{}, simulator.Org{})
	r := newRig(b, s.URL(), func(o *opsmanager.Options) { o.Observe = nil })
	r.synced(b)
	s.ResetCounts()
	b.ReportAllocs()
	for b.Loop() {
		r.synced(b)
	}
	b.ReportMetric(float64(s.Counts().Requests)/float64(b.N), "requests/poll")
}

func BenchmarkAuthorization(b *testing.B) {
	authorize, err := opsmanager.Authorizer(keyOf(testPublic, testPrivate), &digest.Challenge{
		Realm: "MMS Public API", Nonce: "I+xG4xb7bUgq8uMBCuAxZPI+VDDcJ9q1", Algorithm: "MD5", QOP: []string{"auth"},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := authorize(http.MethodGet, "/api/public/v1.0/orgs/"+testOrg+"/liveExport/migrationLink/status"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseStatus(b *testing.B) {
	body := []byte("{\n  \"status\": \"NOT_SYNCED\"\n}")
	b.ReportAllocs()
	for b.Loop() {
		if opsmanager.ParseStatus(body) != opsmanager.NotSynced {
			b.Fatal("not read")
		}
	}
}
