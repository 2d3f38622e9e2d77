// Package faults_test attacks the exporter with everything that can go wrong
// between it and an Ops Manager, and around it: real sockets, real files, real
// processes.
//
// The faults themselves are in network_test.go, dns_test.go, tls_faults_test.go,
// proxy_test.go, http_test.go, digest_test.go, front_test.go, body_test.go and
// files_test.go. matrix_test.go meets each of them, one by one and all at once.
// Balancers, caches, limits and answers too many, the model of the truth, the
// soak, overload, the faults of the whole process and the search for secrets have
// files of their own.
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
