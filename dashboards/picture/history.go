package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// stretch is a time in which an organization was in a state: "SYNCED",
// "NOT_SYNCED" or a reason.
type stretch struct {
	from, to time.Duration // before now
	state    string
}

// organizations are those of "opsmanager_exporter demo", with what they show now
// and a past. Otherwise they are SYNCED.
var organizations = []struct {
	id, name, team string
	stretches      []stretch
}{
	{"5f1e9c2b8d3a4e0012ab3401", "Payments", "payments-dba", []stretch{{from: 15 * time.Hour, to: 14*time.Hour + 20*time.Minute, state: "NOT_SYNCED"}}},
	{"5f1e9c2b8d3a4e0012ab3402", "Risk", "payments-dba", []stretch{
		{from: 20 * time.Hour, to: 19*time.Hour + 35*time.Minute, state: "timeout"},
		{from: 3*time.Hour + 12*time.Minute, state: "NOT_SYNCED"},
	}},
	{"5f1e9c2b8d3a4e0012ab3403", "Orders", "commerce-dba", []stretch{
		{from: 11 * time.Hour, to: 10*time.Hour + 48*time.Minute, state: "NOT_SYNCED"},
		{from: 10*time.Hour + 30*time.Minute, to: 10*time.Hour + 10*time.Minute, state: "NOT_SYNCED"},
		{from: 25 * time.Minute, to: 17 * time.Minute, state: "NOT_SYNCED"},
		{from: 12 * time.Minute, to: 7 * time.Minute, state: "NOT_SYNCED"},
	}},
	{"5f1e9c2b8d3a4e0012ab3404", "Billing", "payments-dba", []stretch{{from: 9*time.Hour + 40*time.Minute, state: "role"}}},
	{"5f1e9c2b8d3a4e0012ab3405", "Shipping", "commerce-dba", []stretch{
		{from: 4*time.Hour + 5*time.Minute, to: 2 * time.Hour, state: "NOT_SYNCED"},
		{from: 2 * time.Hour, state: "access_list"},
	}},
	{"5f1e9c2b8d3a4e0012ab3406", "Archive", "commerce-dba", []stretch{{from: 44 * time.Minute, state: "timeout"}}},
	{"5f1e9c2b8d3a4e0012ab3407", "Catalog", "commerce-dba", []stretch{{from: 6*time.Hour + 20*time.Minute, state: "unknown_status"}}},
	{"5f1e9c2b8d3a4e0012ab3408", "Search", "", []stretch{{from: 74 * time.Hour, state: "unauthorized"}}},
}

const (
	past     = 26 * time.Hour // more than the picture's day
	exporter = `job="opsmanager",instance="localhost:20301"`
	manager  = "demo"
)

// openMetrics returns the history of two sorts of series: what the exporter
// tells, and what the rules of alerts.yml and report.yml record of it.
func openMetrics(now time.Time) string {
	series := make(map[string][]string) // lines, by metric
	now = now.Truncate(time.Minute)
	at := now.Add(-past)
	add := func(name, labels string, value float64) {
		series[name] = append(series[name], fmt.Sprintf("%s{%s} %v %d\n", name, labels, value, at.Unix()))
	}
	down := make(map[string]int64) // since when, by ID
	for ; !at.After(now); at = at.Add(time.Minute) {
		add("up", exporter, 1)
		add("opsmanager:status_page:info", `url="https://opsmanager-exporter.example.net"`, 1)
		for _, o := range organizations {
			org := fmt.Sprintf("org_id=%q", o.id)
			own := org + "," + exporter
			state, since := "SYNCED", at
			for _, s := range o.stretches {
				if begin := now.Add(-s.from); !at.Before(begin) && at.Before(now.Add(-s.to)) || s.to == 0 && !at.Before(begin) {
					state, since = s.state, begin
				}
			}
			named := fmt.Sprintf(",org_name=%q,ops_manager=%q", o.name, manager)
			if o.team != "" {
				named += fmt.Sprintf(",team=%q", o.team)
			}
			add("opsmanager_migration_link_info", own+named, 1)
			add("org:opsmanager_migration_report:name_timestamp_seconds", org+named, float64(at.Unix()))
			add("org_instance:opsmanager_migration_report:known_timestamp_seconds", own, float64(at.Unix()))
			switch state {
			case "SYNCED":
				delete(down, o.id)
			case "NOT_SYNCED":
				if down[o.id] == 0 {
					down[o.id] = since.Unix()
				}
			}
			notSynced, read := 0.0, 0.0
			if state == "NOT_SYNCED" {
				notSynced = 1
			}
			if state == "SYNCED" || state == "NOT_SYNCED" {
				read = 1
				add("opsmanager_migration_link_synced", own, 1-notSynced)
				add("org:opsmanager_migration_report:not_synced", org, notSynced)
				add("org:opsmanager_migration_report:drop_seconds", org, notSynced*float64(60+at.Unix()-down[o.id]))
			} else {
				add("opsmanager_migration_link_scrape_failure_reason", own+fmt.Sprintf(",reason=%q", state), 1)
				add("org:opsmanager_migration_link_unknown:since", org, float64(since.Unix()))
			}
			add("opsmanager_migration_link_scrape_success", own, read)
			add("org:opsmanager_migration_link:known", org, 1)
			if down[o.id] != 0 {
				add("org:opsmanager_migration_link_not_synced:since", org, float64(down[o.id]))
			}
			alert, begin := "MigrationLinkNotSynced", down[o.id]
			if begin == 0 && read == 0 {
				alert, begin = "MigrationLinkStatusUnknown", since.Unix()
			}
			for severity, limit := range map[string]int64{"warning": 10 * 60, "critical": 30 * 60} {
				if begin != 0 && at.Unix()-begin >= limit {
					add("ALERTS", fmt.Sprintf("%s,alertname=%q,alertstate=\"firing\",severity=%q", org, alert, severity), 1)
				}
			}
		}
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(series)) {
		fmt.Fprintf(&text, "# TYPE %s unknown\n%s", name, strings.Join(series[name], ""))
	}
	return text.String() + "# EOF\n"
}
