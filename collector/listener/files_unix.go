//go:build unix

package listener

import (
	"math"
	"syscall"
)

// maxFiles returns how many files the process may have open, sockets included; 0
// if that is not known.
func maxFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(uint64(limit.Cur), math.MaxInt32)) //nolint:unconvert // some systems have another type
}
