package opsmanager_test

import (
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
)

// A poll with an existing connection and nonce, except every 1,000th.
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

func BenchmarkParseStatus(b *testing.B) {
	body := []byte("{\n  \"status\": \"NOT_SYNCED\"\n}")
	b.ReportAllocs()
	for b.Loop() {
		if opsmanager.ParseStatus(body) != opsmanager.NotSynced {
			b.Fatal("not read")
		}
	}
}
