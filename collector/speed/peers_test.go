package speed_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
)

// BenchmarkPeers measures other tools for reading migration links, if they are on the PATH:
// CPU time per poll, including child processes, and requests per poll. The other exporters
// do not support digest authentication and get only the 401, except script_exporter with
// curl. .ci/compare makes a table of the results.
func BenchmarkPeers(b *testing.B) {
	for _, peer := range []struct {
		name, program string
		orgs          int // enough for a measurable CPU time
		measure       func(b *testing.B, o *opsManager) (seconds float64, rounds int)
	}{
		{"opsmanager_exporter", "go", 1000, ourselves},
		{"curl, a process for each", "curl", 100, curls},
		{"curl, one process for all", "curl", 1000, curlParallel},
		{"script_exporter with curl", "script_exporter", 100, scriptExporter},
		{"blackbox_exporter", "blackbox_exporter", 500, blackboxExporter},
		{"json_exporter", "json_exporter", 500, jsonExporter},
	} {
		b.Run(peer.name, func(b *testing.B) {
			if _, err := exec.LookPath(peer.program); err != nil {
				b.Skip(err)
			}
			o := startOpsManager(b, fleet{Orgs: peer.orgs})
			var seconds, polls, requests float64
			for b.Loop() {
				o.count(b)
				s, rounds := peer.measure(b, o)
				seconds += s
				polls += float64(rounds * peer.orgs)
				requests += float64(o.count(b).Requests)
			}
			b.ReportMetric(seconds/polls*1e6, "cpu-µs/poll")
			b.ReportMetric(requests/polls, "requests/poll")
		})
	}
}

func (o *opsManager) links() []string {
	var links []string
	for i := range o.Orgs {
		links = append(links, o.URL+"/api/public/v1.0/orgs/"+orgID(i)+"/liveExport/migrationLink/status")
	}
	return links
}

func ourselves(b *testing.B, o *opsManager) (seconds float64, rounds int) {
	b.Helper()
	e := startExporter(b, realprometheus.Build(b), o)
	e.scrape(b) // opens connections and gets nonces; the other tools keep theirs as long as they can
	o.count(b)
	before := cpu(b, e.PID())
	const scrapes = 5
	for range scrapes {
		e.scrape(b)
	}
	return cpu(b, e.PID()) - before, scrapes
}

// runAll runs a process and returns the CPU time of it and its children.
func runAll(b *testing.B, cmd *exec.Cmd) float64 {
	b.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
}

func curls(b *testing.B, o *opsManager) (seconds float64, rounds int) {
	b.Helper()
	public, private := o.key(0)
	ca := write(b, b.TempDir(), "ca.pem", o.CA)
	for _, link := range o.links() {
		seconds += runAll(b, exec.Command("curl", "--silent", "--fail", "--digest", "--user", public+":"+private, "--cacert", ca, link))
	}
	return seconds, 1
}

func curlParallel(b *testing.B, o *opsManager) (seconds float64, rounds int) {
	b.Helper()
	public, private := o.key(0)
	dir := b.TempDir()
	ca := write(b, dir, "ca.pem", o.CA)
	var config strings.Builder
	for i, link := range o.links() {
		if i > 0 {
			config.WriteString("next\n")
		}
		fmt.Fprintf(&config, "url = %q\ndigest\nuser = %q\ncacert = %q\noutput = /dev/null\nfail\n", link, public+":"+private, ca)
	}
	return runAll(b, exec.Command("curl", "--silent", "--parallel", "--parallel-max", fmt.Sprint(concurrency),
		"--config", write(b, dir, "curl.conf", config.String()))), 1
}

// probe starts a peer, makes it probe every organization, and returns the CPU time of it
// and its children.
func (o *opsManager) probe(b *testing.B, program string, args []string, probeURL func(link string) string) (seconds float64, rounds int) {
	b.Helper()
	address := realprogram.FreeAddress(b)
	cmd := exec.Command(program, append(args, "--web.listen-address="+address)...)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}()
	realprogram.Await(b, 10*time.Second, func() error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	before := cpu(b, cmd.Process.Pid)
	links := make(chan string)
	var workers sync.WaitGroup
	for range 8 { // Prometheus spreads its scrapes over time
		workers.Go(func() {
			for link := range links {
				resp, err := http.Get("http://" + address + "/probe?" + probeURL(link))
				if err != nil {
					b.Error(err)
					continue
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if text := string(body); err != nil || !strings.Contains(text, "success 1") && !strings.Contains(text, "success{script=\"link\"} 1") && !strings.Contains(text, "link_error 401") {
					b.Errorf("%s: %v: %s", program, err, text)
				}
			}
		})
	}
	for _, link := range o.links() {
		links <- link
	}
	close(links)
	workers.Wait()
	return cpu(b, cmd.Process.Pid) - before, 1
}

func scriptExporter(b *testing.B, o *opsManager) (seconds float64, rounds int) {
	b.Helper()
	public, private := o.key(0)
	dir := b.TempDir()
	ca := write(b, dir, "ca.pem", o.CA)
	script := write(b, dir, "link", "#!/bin/sh\nexec curl --silent --fail --digest --user "+public+":"+private+" --cacert "+ca+" \"$1\" >/dev/null\n")
	if err := os.Chmod(script, 0o700); err != nil {
		b.Fatal(err)
	}
	config := write(b, dir, "scripts.yaml", "scripts:\n  - name: link\n    command: ["+script+"]\n")
	return o.probe(b, "script_exporter", []string{"--config.files=" + config}, func(link string) string {
		return "script=link&params=target&target=" + url.QueryEscape(link)
	})
}

func blackboxExporter(b *testing.B, o *opsManager) (seconds float64, rounds int) {
	b.Helper()
	dir := b.TempDir()
	ca := write(b, dir, "ca.pem", o.CA)
	config := write(b, dir, "blackbox.yml", "modules:\n  link:\n    prober: http\n    http:\n      valid_status_codes: [401]\n      tls_config: {ca_file: "+ca+"}\n")
	return o.probe(b, "blackbox_exporter", []string{"--config.file=" + config}, func(link string) string {
		return "module=link&target=" + url.QueryEscape(link)
	})
}

func jsonExporter(b *testing.B, o *opsManager) (seconds float64, rounds int) {
	b.Helper()
	dir := b.TempDir()
	ca := write(b, dir, "ca.pem", o.CA)
	config := write(b, dir, "json.yml", "modules:\n  link:\n    valid_status_codes: [401]\n    metrics:\n      - {name: link_error, help: Status code, path: '{ .error }'}\n    http_client_config:\n      tls_config: {ca_file: "+ca+"}\n")
	return o.probe(b, "json_exporter", []string{"--config.file=" + config}, func(link string) string {
		return "module=link&target=" + url.QueryEscape(link)
	})
}
