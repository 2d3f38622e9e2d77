//go:build !unix

package faults_test

import "testing"

func pipe(t testing.TB, _ string) {
	t.Helper()
	t.Skip("there are no named pipes here")
}

func blackhole(s scene) target {
	s.Helper()
	s.Skip("the length of a queue of connections cannot be set here")
	return target{}
}
