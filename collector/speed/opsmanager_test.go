package speed_test

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
)

// fleet describes the organizations of a measurement.
type fleet struct {
	Orgs    int
	OwnKeys bool          // a key for each organization, or one for all
	Delay   time.Duration // of each response
	Default bool          // use the default of max_concurrent_requests
}

func (f fleet) String() string {
	keys := "shared"
	if f.OwnKeys {
		keys = "own"
	}
	return fmt.Sprintf("orgs=%d/keys=%s", f.Orgs, keys)
}

// ideal returns the duration of a scrape if only latency took time.
func (f fleet) ideal() time.Duration {
	return time.Duration((f.Orgs+concurrency-1)/concurrency) * f.Delay
}

func orgID(i int) string { return fmt.Sprintf("5f1e9c2b8d3a4e00%08x", i) }

// key returns the API key of an organization.
func (f fleet) key(i int) (public, private string) {
	if !f.OwnKeys {
		i = 0
	}
	return fmt.Sprintf("key%05d", i), fmt.Sprintf("9b1f0c3a-0000-4000-8000-%012d", i)
}

// address is the URL of an Ops Manager, and its CA certificate.
type address struct{ URL, CA string }

// count holds the counts of an Ops Manager since the last count.
type count struct{ Requests, Challenges, Connections int }

// opsManager is an Ops Manager in a separate process.
type opsManager struct {
	*worker
	fleet
	address
}

func startOpsManager(b *testing.B, f fleet) *opsManager {
	b.Helper()
	w := start(b, "ops manager")
	return &opsManager{worker: w, fleet: f, address: ask[address](b, w, f)}
}

func (o *opsManager) count(b *testing.B) count {
	b.Helper()
	return ask[count](b, o.worker, o.fleet)
}

// serve runs in the worker process: the first request starts the Ops Manager, further
// requests return its counts.
func serve(in io.Reader, out io.Writer) error {
	var sim *simulator.Server
	return answer(in, out, func(f fleet) (any, error) {
		if sim != nil {
			c := sim.Counts()
			sim.ResetCounts()
			return count{Requests: c.Requests, Challenges: c.Challenges, Connections: c.Connections}, nil
		}
		lent := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
		defer lent.Close()
		var err error
		sim, err = simulator.Start(simulator.Options{TLS: &tls.Config{Certificates: lent.TLS.Certificates, MinVersion: tls.VersionTLS12}})
		if err != nil {
			return nil, err
		}
		for i := range f.Orgs {
			public, private := f.key(i)
			sim.SetKey(public, private)
			sim.SetOrg(orgID(i), simulator.Org{Keys: []string{public}, Delay: f.Delay})
		}
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: lent.Certificate().Raw})
		return address{URL: sim.URL(), CA: string(ca)}, nil
	})
}

// write writes a file that only its owner can read.
func write(b *testing.B, dir, name, text string) string {
	b.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// configuration writes the exporter's configuration for o, and returns its path.
func (o *opsManager) configuration(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	write(b, dir, "ca.pem", o.CA)
	var y strings.Builder
	fmt.Fprintf(&y, "ops_managers:\n  - url: %s\n    name: production\n    tls_config: {ca_file: ca.pem}\n", o.URL)
	if !o.Default {
		fmt.Fprintf(&y, "    max_concurrent_requests: %d\n", concurrency)
	}
	key := func(i int) string {
		public, private := o.key(i)
		return fmt.Sprintf("api_key: {public_key: %s, private_key: %s}", public, private)
	}
	if !o.OwnKeys {
		fmt.Fprintf(&y, "    %s\n", key(0))
	}
	y.WriteString("    orgs:\n")
	for i := range o.Orgs {
		fmt.Fprintf(&y, "      - {id: %s, name: Organization %d", orgID(i), i)
		if o.OwnKeys {
			fmt.Fprintf(&y, ", %s", key(i))
		}
		y.WriteString("}\n")
	}
	return write(b, dir, "opsmanager.yml", y.String())
}
