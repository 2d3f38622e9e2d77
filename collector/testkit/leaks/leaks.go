// Package leaks runs the tests of a package that must leave no goroutine behind.
package leaks

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Run runs the tests, so many side by side since they wait most of their time,
// and then what ends what they share. It returns the status to exit with.
func Run(m *testing.M, parallel int, then ...func()) int {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() == "" { // which counts its workers by it
		if err := flag.Set("test.parallel", strconv.Itoa(parallel)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	log.SetOutput(io.Discard) // net/http logs what servers say unasked
	code := m.Run()
	for _, end := range then {
		end()
	}
	if code != 0 {
		return code
	}
	http.DefaultClient.CloseIdleConnections()
	err := goleak.Find()
	for deadline := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(deadline); { // a slow machine takes its time
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "goroutines are left:", err)
		return 1
	}
	return 0
}
