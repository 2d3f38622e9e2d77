package speed_test

import (
	"context"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/config"
)

// BenchmarkPoll measures a single poll over a reused connection.
func BenchmarkPoll(b *testing.B) {
	o := startOpsManager(b, fleet{Orgs: 1})
	base, err := url.Parse(o.URL)
	if err != nil {
		b.Fatal(err)
	}
	tlsConfig, err := o.load(b).OpsManagers[0].TLS.Read()
	if err != nil {
		b.Fatal(err)
	}
	client := opsmanager.NewClient(opsmanager.Options{
		URL: base, Timeout: 5 * time.Second, MaxConnections: 1, UserAgent: "bench", Sessions: opsmanager.NewSessions(),
	})
	client.SetTLS(tlsConfig.Config)
	defer client.Close()
	public, private := o.key(0)
	key := config.KeyPair{Public: config.NewSecret(public), Private: config.NewSecret(private)}
	poll := func() {
		ctx, cancel := context.WithTimeout(b.Context(), 5*time.Second)
		defer cancel()
		if r, err := client.MigrationLinkStatus(ctx, key, orgID(0)); err != nil || r.Status != opsmanager.Synced {
			b.Fatal(r.Status, err)
		}
	}
	poll()
	o.count(b)
	b.ReportAllocs()
	for b.Loop() {
		poll()
	}
	o.report(b)
}

// BenchmarkLoad measures loading and applying a configuration.
func BenchmarkLoad(b *testing.B) {
	for _, own := range []bool{false, true} {
		f := fleet{Orgs: 10000, OwnKeys: own}
		b.Run(f.String(), func(b *testing.B) {
			file := (&opsManager{fleet: f, address: address{URL: "https://opsmanager.example.net", CA: "-"}}).configuration(b)
			e := collector.NewExporter(slog.New(slog.DiscardHandler), "bench")
			defer e.Close()
			b.ReportAllocs()
			for b.Loop() {
				cfg, err := config.Load(file)
				if err != nil {
					b.Fatal(err)
				}
				e.Apply(cfg)
			}
		})
	}
}

// load reads the exporter's configuration for an Ops Manager.
func (o *opsManager) load(b *testing.B) *config.Config {
	b.Helper()
	cfg, err := config.Load(o.configuration(b))
	if err != nil {
		b.Fatal(err)
	}
	return cfg
}

// report reports the counts of an Ops Manager since the last count.
func (o *opsManager) report(b *testing.B) {
	b.Helper()
	c, polls := o.count(b), float64(b.N*o.Orgs)
	b.ReportMetric(float64(c.Requests)/polls, "requests/poll")
	b.ReportMetric(float64(c.Challenges)/float64(b.N), "challenges/op")
}
