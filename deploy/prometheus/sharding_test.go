// Package prometheus_test runs the configurations that users take on a real
// Prometheus.
package prometheus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const orgs = 8 // of the demo

// Two Prometheus servers with the README's configuration, each with its own
// number, share the demo's organizations: each has up == 1 for each of its own
// and one set of series for it.
func TestShardingFromREADME(t *testing.T) {
	prometheus := program(t, "prometheus")
	exporter := startDemo(t)
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	i := slices.IndexFunc(blocks, func(b []string) bool { return strings.Contains(b[1], "http_sd_configs") })
	if i < 0 {
		t.Fatal("the README has no configuration with http_sd_configs")
	}
	config := strings.NewReplacer("localhost:20301", exporter, "60s", "1s", "15s", "1s").Replace(blocks[i][1])

	var shards []string
	for shard := range 2 {
		shards = append(shards, startPrometheus(t, prometheus, strings.Replace(config, "regex: 0 ", fmt.Sprintf("regex: %d ", shard), 1)))
	}
	await(t, func() error {
		seen := make(map[string]int)
		for _, api := range shards {
			up := query(t, api, `up{job="opsmanager"} == 1`, "instance")
			info := query(t, api, `count by (org_id) (opsmanager_migration_link_info)`, "org_id")
			success := query(t, api, `count by (org_id) (opsmanager_migration_link_scrape_success)`, "org_id")
			for org := range up {
				seen[org]++
				if info[org] != "1" || success[org] != "1" {
					return fmt.Errorf("organization %s: %s and %s series", org, info[org], success[org])
				}
			}
			if len(info) != len(up) {
				return fmt.Errorf("up %v, info %v", up, info)
			}
			if down := query(t, api, `up != 1`, "instance"); len(down) != 0 {
				return fmt.Errorf("down %v", down)
			}
			if self := query(t, api, `opsmanager_exporter_build_info`, "job"); self["opsmanager_exporter"] != "1" || len(self) != 1 {
				return fmt.Errorf("build info by job %v", self)
			}
		}
		for org, n := range seen {
			if n != 1 {
				return fmt.Errorf("organization %s is in %d shards", org, n)
			}
		}
		if len(seen) != orgs {
			return fmt.Errorf("two shards see %d organizations, want %d", len(seen), orgs)
		}
		return nil
	})
}

// query returns the values of an instant query by one label.
func query(t *testing.T, api, expr, label string) map[string]string {
	t.Helper()
	resp, err := http.Get(api + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	values := make(map[string]string)
	for _, r := range answer.Data.Result {
		values[r.Metric[label]] = fmt.Sprint(r.Value[1])
	}
	return values
}

// program returns the path of a program that a test needs. Without it the test
// is skipped, and fails in CI.
func program(t *testing.T, name string) string {
	t.Helper()
	if path, err := filepath.Abs(filepath.Join("../../.bin", name)); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// startDemo builds the exporter, runs its demo and returns its address.
func startDemo(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "opsmanager_exporter")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "opsmanager_exporter").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	address := freeAddress(t)
	run(t, binary, "demo", "--web.listen-address="+address)
	await(t, func() error { return ready("http://" + address) })
	return address
}

func startPrometheus(t *testing.T, binary, config string) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	run(t, binary, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	await(t, func() error { return ready("http://" + address) })
	return "http://" + address
}

func ready(base string) error {
	resp, err := http.Get(base + "/-/ready")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s/-/ready: status %d", base, resp.StatusCode)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// run runs a program until the test ends.
func run(t *testing.T, binary string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // what it has to say is in the log
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(binary), log.String())
		}
	})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func await(t *testing.T, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
