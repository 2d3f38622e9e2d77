//go:build unix

package listener

import (
	"math"
	"syscall"
)

// maxFiles returns how many files, including sockets, the process may open; 0 if
// unknown.
func maxFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)) //nolint:unconvert // the type differs between systems
}
