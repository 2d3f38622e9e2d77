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
	"flag"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	log.SetOutput(io.Discard) // net/http logs what servers say unasked
	net.DefaultResolver = resolver()
	// Most of a fault's time is spent waiting for a deadline.
	if err := flag.Set("test.parallel", "16"); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if built != "" {
		os.RemoveAll(filepath.Dir(built))
	}
	if code == 0 {
		// The resolver's goroutines end with its own timeouts.
		err := goleak.Find()
		for deadline := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(deadline); err = goleak.Find() {
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil {
			os.Stderr.WriteString("goroutines are left: " + err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}
