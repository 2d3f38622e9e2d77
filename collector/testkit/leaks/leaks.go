// Package leaks runs the tests of a package and checks for leaked goroutines.
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

// Run runs the tests with the given parallelism, since they mostly wait, and then the
// functions that clean up shared state. It returns the exit status.
func Run(m *testing.M, parallel int, then ...func()) int {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() == "" { // with -fuzz it is the number of workers
		if err := flag.Set("test.parallel", strconv.Itoa(parallel)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	log.SetOutput(io.Discard) // net/http logs unsolicited responses
	code := m.Run()
	for _, end := range then {
		end()
	}
	if code != 0 {
		return code
	}
	http.DefaultClient.CloseIdleConnections()
	err := goleak.Find()
	for deadline := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(deadline); { // for slow machines
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "goroutines are left:", err)
		return 1
	}
	return 0
}
