package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/testkit/readme"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/web"
)

// The README's tables have everything that there is, once, and nothing else.

func TestREADMEFlags(t *testing.T) {
	t.Parallel()
	var flags []string
	defaults := make(map[string][]string) // several commands may have the same flag
	for _, args := range [][]string{{"--help"}, {"check", "--help"}, {"orgs", "--help"}} {
		_, help, _ := runProgram(t, args...)
		for _, flag := range flagsOf(help) {
			name, value := flag[1], strings.Trim(flag[2], `"`)
			switch {
			case name == "help" || name == "version":
				continue
			case flag[0] != "":
				value = "false"
			case value == strings.ToUpper(name): // a placeholder
				value = ""
			}
			if value != "" {
				value = "`" + value + "`"
			}
			if !slices.Contains(flags, name) {
				flags = append(flags, name)
			}
			if !slices.Contains(defaults[name], value) {
				defaults[name] = append(defaults[name], value)
			}
		}
	}
	var got, want []string
	for _, name := range flags {
		want = append(want, fmt.Sprintf("`--%s` %s", name, strings.Join(defaults[name], ", ")))
	}
	rows := readme.Table(t, "README.md", "flag")
	readme.First(t, rows)
	for _, row := range rows {
		got = append(got, row[0]+" "+row[1])
	}
	equal(t, got, want)
}

func TestREADMECommands(t *testing.T) {
	t.Parallel()
	_, help, _ := runProgram(t, "--help")
	_, help, _ = strings.Cut(help, "\nCommands:\n")
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+)`).FindAllStringSubmatch(help, -1) {
		if m[1] != "help" {
			want = append(want, "`"+m[1]+"`")
		}
	}
	equal(t, readme.First(t, readme.Table(t, "README.md", "command")), want)
}

func TestREADMEPaths(t *testing.T) {
	t.Parallel()
	equal(t, readme.First(t, readme.Table(t, "collector/web/README.md", "path")), []string{
		"`/metrics`", "`" + web.ProbePath + "?target=ID`", "`" + web.SDPath + "`", "`/`",
		"`" + web.HealthyPath + "`, `" + web.ReadyPath + "`", "`POST " + web.ReloadPath + "`",
	})
}

func TestREADMEReasons(t *testing.T) {
	t.Parallel()
	var got, want []string
	for _, row := range readme.Table(t, "README.md", "reason") {
		got = append(got, strings.Join(row, " | "))
	}
	for _, r := range opsmanager.Reasons() {
		want = append(want, fmt.Sprintf("<a id=\"reason-%s\"></a>`%s` | %s | %s", r, r, r.Meaning(), r.Fix()))
	}
	equal(t, got, want)
	if action := opsmanager.NotSynced.Fix(); !strings.Contains(testfile.Read(t, "README.md"), action) {
		t.Errorf("README.md does not say: %s", action)
	}
}

// checkMetrics holds the README's table of metrics against an exposition: names,
// types and labels.
func checkMetrics(t *testing.T, exposition string) {
	t.Helper()
	var got, want []string
	for _, row := range readme.Table(t, "README.md", "metric") {
		got = append(got, row[0]+" "+row[1])
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (opsmanager_\S+) (\S+)$`).FindAllStringSubmatch(exposition, -1) {
		name, labels := m[1], []string{}
		for _, series := range regexp.MustCompile(`(?m)^`+name+`(?:_bucket)?\{(.*)\}`).FindAllStringSubmatch(exposition, -1) {
			for _, label := range regexp.MustCompile(`([a-z_]+)="`).FindAllStringSubmatch(series[1], -1) {
				if label[1] != "le" && !slices.Contains(labels, label[1]) {
					labels = append(labels, label[1])
				}
			}
		}
		if name == "opsmanager_exporter_build_info" {
			labels = nil // those of every exporter
		}
		if len(labels) > 0 {
			name += "{" + strings.Join(labels, ",") + "}"
		}
		want = append(want, fmt.Sprintf("`%s` %s", name, m[2]))
	}
	slices.Sort(got)
	slices.Sort(want)
	equal(t, got, want)
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	for _, s := range want {
		if !slices.Contains(got, s) {
			t.Errorf("missing: %s", s)
		}
	}
	for _, s := range got {
		if !slices.Contains(want, s) {
			t.Errorf("not there: %s", s)
		}
	}
	if !slices.Equal(got, want) && !t.Failed() {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestREADMEDependencies(t *testing.T) {
	t.Parallel()
	var got, want []string
	for _, row := range readme.Table(t, "collector/README.md", "dependency") {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[0], -1) {
			got = append(got, m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(testfile.Read(t, "go.mod"), -1) {
		want = append(want, m[1])
	}
	slices.Sort(got)
	slices.Sort(want)
	equal(t, got, want)
}
