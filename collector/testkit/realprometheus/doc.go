// Package realprometheus runs the exporter as users build it, and real Prometheus
// servers and Alertmanagers around it, for tests. Each listens on a port of
// 127.0.0.1 that was free, and ends with the test that started it.
//
// A program that is not installed skips the test, and fails it where CI=true.
package realprometheus
