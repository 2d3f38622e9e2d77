// Package realprometheus runs the exporter, as built by users, and real Prometheus servers
// and Alertmanagers for tests. Each listens on a free port of 127.0.0.1 and ends with the
// test that started it.
//
// If a program is not installed, the test is skipped, or with CI=true fails.
package realprometheus
