//go:build unix

package faults_test

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// blackhole is an address that drops packets: its connection backlog is full and is never
// accepted from.
func blackhole(s scene) target {
	s.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		s.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		s.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for {
		c, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return target{url: "http://" + address}
		}
		s.Cleanup(func() { c.Close() })
	}
}
