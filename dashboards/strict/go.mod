// The types of Grafana's dashboards, for one test, apart from the exporter's own dependencies.
module opsmanager_exporter/dashboards/strict

go 1.26.0

require github.com/grafana/grafana-foundation-sdk/go v0.0.22
