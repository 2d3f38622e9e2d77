// Package faults_test tests the exporter with everything that can go wrong in it and
// between it and Ops Manager, using real sockets, files and processes.
//
// The faults are defined in network_test.go, dns_test.go, tls_faults_test.go,
// proxy_test.go, http_test.go, digest_test.go, front_test.go, body_test.go and
// files_test.go. matrix_test.go tests them one by one and all at once. Load balancers,
// caches, rate limits and unsolicited responses, the model of the truth, the soak test,
// overload, faults of the process and the search for secrets have separate files.
package faults_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"opsmanager_exporter/collector/testkit/leaks"
)

func TestMain(m *testing.M) {
	net.DefaultResolver = resolver()
	code := leaks.Run(m, 16, func() {
		close(over)
		if built != "" {
			os.RemoveAll(filepath.Dir(built))
		}
	})
	os.Exit(code)
}
