package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/ci"
	"opsmanager_exporter/collector/testkit/leaks"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/simulated"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/wait"
)

// asProgram makes the test binary run as the exporter, so that tests run the real main
// without building a program.
const asProgram = "OPSMANAGER_EXPORTER_TEST_MAIN"

// patience is far longer than any successful wait takes.
const patience = 2 * time.Minute

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(leaks.Run(m, 8))
}

// program is a running exporter.
type exporter struct {
	cmd    *exec.Cmd
	url    string
	stdout bytes.Buffer
	stderr bytes.Buffer
	exited chan error
}

func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// runProgram runs the exporter until it exits.
func runProgram(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errOut.String()
}

// startProgram starts the exporter on a free port and waits until it is ready.
func startProgram(t *testing.T, args ...string) *exporter {
	t.Helper()
	p := launch(t, nil, args...)
	p.ready(t)
	return p
}

// launch starts the exporter on a free port; setup, if not nil, may modify the command
// first.
func launch(t *testing.T, setup func(*exec.Cmd), args ...string) *exporter {
	t.Helper()
	address := realprogram.FreeAddress(t)
	p := &exporter{url: "http://" + address, exited: make(chan error, 1)}
	p.cmd = command(t.Context(), append(args, "--web.listen-address="+address)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if setup != nil {
		setup(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // the context's end may come too late
	go func() { p.exited <- p.cmd.Wait() }()
	return p
}

// ready waits until the exporter responds.
func (p *exporter) ready(t *testing.T) {
	t.Helper()
	awaitReady(t, p, func() error {
		resp, err := (&http.Client{Timeout: patience}).Get(p.url + "/-/ready") // a socket may be open that nobody serves
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
}

// awaitReady waits until check succeeds.
func awaitReady(t *testing.T, p *exporter, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v\n%s", err, p.stop(t, syscall.SIGKILL))
		}
	}
}

// stop sends a signal, waits for the exit and returns the log.
func (p *exporter) stop(t *testing.T, signal syscall.Signal) string {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.exited:
		if err != nil && signal != syscall.SIGKILL {
			t.Errorf("after %v: %v", signal, err)
		}
	case <-time.After(patience):
		t.Fatal("the program does not end")
	}
	return p.stderr.String()
}

func (p *exporter) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(p.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestDemo(t *testing.T) {
	t.Parallel()
	var p *exporter
	var got string
	wait.Growing(t, 5*time.Second, func(limit time.Duration) error {
		if p != nil {
			p.stop(t, syscall.SIGKILL)
		}
		p = startProgram(t, "demo", "--web.disable-exporter-metrics")
		begun := time.Now()
		_, got = p.get(t, "/metrics")
		if took := time.Since(begun); took > limit {
			return fmt.Errorf("the first scrape took %s", took)
		}
		if n := strings.Count(got, `reason="timeout"`); n != 1 { // polls have a second
			return fmt.Errorf("%d polls reached their timeout, want one", n)
		}
		return nil
	})
	problems, err := promlint.New(strings.NewReader(got)).Lint()
	if err != nil || len(problems) != 0 {
		t.Errorf("lint of /metrics: %v %v", problems, err)
	}
	if regexp.MustCompile(`(?m)^[^#].* \S+ \d+$`).MatchString(got) {
		t.Error("a series carries a timestamp")
	}
	checkMetrics(t, got)
	var served []string // files that the guide may mention
	for _, path := range []string{"/", "/metrics", "/sd", "/probe?target=5f1e9c2b8d3a4e0012ab3408&debug=true"} {
		if resp, _ := p.get(t, path); resp.StatusCode == http.StatusOK {
			served = append(served, path)
		}
	}
	got = mask(got)
	golden := filepath.Join("collector", "testdata", "demo-metrics.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("/metrics is unlike %s; if it should be, run go test . -update\n%s", golden, difference(string(want), got))
	}
	log := p.stop(t, syscall.SIGINT)
	if first, _, _ := strings.Cut(log, "\n"); !strings.Contains(first, `msg="Starting opsmanager_exporter" version="(version=`) {
		t.Errorf("the log begins with %s", first)
	}
	guide := p.stdout.String()
	for _, s := range []string{
		"Payments", "Risk", "Orders", "Billing", "Shipping", "Archive", "Catalog", "Search",
		p.url + "/\n", p.url + "/metrics\n", p.url + "/sd\n", p.url + "/probe?target=5f1e9c2b8d3a4e0012ab3408&debug=true\n",
		"curl -s " + p.url + "/metrics | grep", "deploy/prometheus", "dashboards/migration-links.json",
	} {
		if !strings.Contains(guide, s) {
			t.Errorf("the guide does not mention %s:\n%s", s, guide)
		}
	}
	for _, path := range regexp.MustCompile(`(?:deploy|dashboards)/[a-z./-]*[a-z]`).FindAllString(guide, -1) {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the guide names %v", err)
		}
	}
	for _, m := range regexp.MustCompile(regexp.QuoteMeta(p.url)+`(/[^ \n']*)`).FindAllStringSubmatch(guide, -1) {
		if !slices.Contains(served, m[1]) {
			t.Errorf("the guide names %s, which answered nothing", m[0])
		}
	}
	for _, secret := range []string{"demopubl", "demo-private-key", "not-the-private-key"} {
		if strings.Contains(guide+log+got, secret) {
			t.Errorf("%q shows in guide, log or metrics", secret)
		}
	}
}

// mask replaces what differs between runs.
func mask(exposition string) string {
	for _, m := range []struct{ pattern, with string }{
		{`(?m)^(opsmanager_migration_link_synced\{org_id="5f1e9c2b8d3a4e0012ab3403"\}) [01]$`, "$1 0_OR_1"},
		{`(?m)^(opsmanager_migration_link_scrape_duration_seconds\{.*\}) \S+$`, "$1 SECONDS"},
		{`(?m)^(\S+_timestamp_seconds(?:\{.*\})?) \S+$`, "$1 TIME"},
		{`(?m)^(opsmanager_api_request_duration_seconds_(?:bucket|sum)\{.*\}) \S+$`, "$1 VALUE"},
		{`(?m)^opsmanager_exporter_build_info\{.*\}`, "opsmanager_exporter_build_info{BUILD}"},
	} {
		exposition = regexp.MustCompile(m.pattern).ReplaceAllString(exposition, m.with)
	}
	return exposition
}

// difference lists the lines that are in only one of two texts.
func difference(want, got string) string {
	var b strings.Builder
	only := func(sign, a, other string) {
		lines := make(map[string]bool)
		for s := bufio.NewScanner(strings.NewReader(other)); s.Scan(); {
			lines[s.Text()] = true
		}
		for s := bufio.NewScanner(strings.NewReader(a)); s.Scan(); {
			if !lines[s.Text()] {
				fmt.Fprintf(&b, "%s %s\n", sign, s.Text())
			}
		}
	}
	only("-", want, got)
	only("+", got, want)
	return b.String()
}

func TestPaths(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "demo", "--web.telemetry-path=/m")
	tests := []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/", 200, ""},
		{"HEAD", "/", 200, ""},
		{"GET", "/m", 200, ""},
		{"HEAD", "/m", 200, ""},
		{"GET", "/m?collect[]=exporter", 200, ""},
		{"GET", "/m?collect[]=organizations", 400, ""},
		{"GET", "/-/healthy", 200, ""},
		{"GET", "/-/ready", 200, ""},
		{"HEAD", "/-/ready", 200, ""},
		{"GET", "/metrics", 404, ""},
		{"GET", "/favicon.ico", 404, ""},
		{"POST", "/m", 405, "GET, HEAD"},
		{"DELETE", "/-/healthy", 405, "GET, HEAD"},
		{"PUT", "/", 405, "GET, HEAD"},
		{"GET", "/sd", 200, ""},
		{"POST", "/sd", 405, "GET, HEAD"},
		{"GET", "/probe", 400, ""},
		{"GET", "/probe?target=5f1e9c2b8d3a4e0012ab3401", 200, ""},
		{"GET", "/-/reload", 405, "POST"},
		{"POST", "/-/reload", 403, ""},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tt.method, p.url+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.status || resp.Header.Get("Allow") != tt.allow {
				t.Errorf("status %d, Allow %q; want %d, %q", resp.StatusCode, resp.Header.Get("Allow"), tt.status, tt.allow)
			}
		})
	}
	_, body := p.get(t, "/m?collect[]=exporter")
	if strings.Contains(body, "opsmanager_migration_link") {
		t.Error("collect[]=exporter polls organizations")
	}
	for _, family := range []string{"go_goroutines", "process_open_fds", "promhttp_metric_handler_requests_total", "opsmanager_exporter_build_info"} {
		if !strings.Contains(body, "\n"+family) {
			t.Errorf("no %s in /m", family)
		}
	}
	p.stop(t, syscall.SIGTERM)
}

// The timeout flags apply to scrapes and probes.
func TestScrapeTimeouts(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "demo", "--scrape.timeout-offset=2s", "--scrape.default-timeout=7s")
	for path, want := range map[string]string{
		"/metrics?collect[]=exporter":                       "\nopsmanager_exporter_scrape_timeout_seconds 5\n",
		"/probe?debug=true&target=5f1e9c2b8d3a4e0012ab3401": "probe deadline 5s,",
	} {
		if _, body := p.get(t, path); !strings.Contains(body, want) {
			t.Errorf("%s: no %q in\n%s", path, want, body)
		}
	}
}

// Flags reach what they configure: paths, links, metrics, log.
func TestFlags(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args   []string
		prefix string
	}{
		{nil, "/x"}, // the path of the external URL
		{[]string{"--web.route-prefix=/om"}, "/om"},
	} {
		p := startProgram(t, append(tt.args, "demo", "--web.external-url=https://exporter.example.net/x", "--web.telemetry-path=/m",
			"--web.disable-exporter-metrics", "--log.level=debug", "--log.format=json")...)
		for range 2 { // the second failure is logged at debug level
			p.get(t, tt.prefix+"/probe?target=5f1e9c2b8d3a4e0012ab3404")
		}
		for path, want := range map[string]string{
			"/m?collect[]=exporter": "\nopsmanager_exporter_build_info{",
			"/sd":                   `[{"targets":["exporter.example.net"],"labels":{"__scheme__":"https","__metrics_path__":"/x/probe",`,
			"/":                     `<a href="https://exporter.example.net/x/m">Metrics</a>`,
		} {
			if _, body := p.get(t, tt.prefix+path); !strings.Contains(body, want) || strings.Contains(body, "\ngo_") {
				t.Errorf("%s: no %q, or go_ metrics, in\n%s", tt.prefix+path, want, body)
			}
		}
		log := p.stop(t, syscall.SIGTERM)
		for line := range strings.SplitSeq(strings.TrimSpace(log), "\n") {
			if !json.Valid([]byte(line)) {
				t.Errorf("the log is not JSON: %s", line)
			}
		}
		if !strings.Contains(log, `"level":"DEBUG"`) {
			t.Errorf("nothing at debug level:\n%s", log)
		}
		if guide := p.stdout.String(); !strings.Contains(guide, "  "+p.url+tt.prefix+"/m\n") {
			t.Errorf("the guide does not name the metrics:\n%s", guide)
		}
	}
}

// A scrape in flight at SIGTERM gets its response, and the exit status is 0.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	sim := simulated.Server(t, simulator.Options{})
	const id = "5f1e9c2b8d3a4e0012ab34cd"
	sim.SetKey("jkqmzxvt", "a-private-key")
	release := make(chan struct{})
	sim.SetOrg(id, simulator.Org{Answer: simulated.Held(release, simulator.Status("NOT_SYNCED"))})
	content := fmt.Sprintf("ops_managers:\n  - url: %s\n    api_key: {public_key: jkqmzxvt, private_key: a-private-key}\n    orgs: [{id: %s}]\n", sim.URL(), id)
	file := testfile.New(t, "opsmanager.yml", content)
	p := startProgram(t, "--config.file="+file, "--web.max-requests=1")
	body := make(chan string)
	go func() {
		resp, err := http.Get(p.url + "/metrics")
		if err != nil {
			body <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		body <- fmt.Sprint(string(b), err)
	}()
	wait.For(t, "the poll is under way", func() bool { return sim.OrgCounts(id).InFlight == 1 })
	if resp, _ := p.get(t, "/metrics"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a second scrape with --web.max-requests=1: status %d", resp.StatusCode)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wait.For(t, "no new connection is taken", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(release)
	if got, want := <-body, fmt.Sprintf("opsmanager_migration_link_synced{org_id=%q} 0\n", id); !strings.Contains(got, want) {
		t.Errorf("the scrape in flight got no %q:\n%s", want, got)
	}
	if err := <-p.exited; err != nil {
		t.Errorf("exit: %v", err)
	}
	if log := p.stderr.String(); strings.Contains(log, "jkqmzxvt") || strings.Contains(log, "a-private-key") {
		t.Errorf("the log holds a key:\n%s", log)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.yml")
	testfile.Write(t, bad, "ops_managers:\n  - url: ftp://opsmanager.example.net\n    surprises: 1\n")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	web := filepath.Join(t.TempDir(), "web.yml")
	if err := os.WriteFile(web, []byte("basic_auth_users: {prometheus: plain-password}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		help   = "; see opsmanager_exporter --help\n"
		starts = `time=... level=INFO source=... msg="Starting opsmanager_exporter" version="(version=..."` + "\n"
		stops  = `time=... level=ERROR source=... msg="Exiting because of an error" err="`
		hash   = `--web.config.file="` + "WEB" + `": basic_auth_users: the password of "prometheus" is not a bcrypt hash: use what htpasswd -nB "prometheus" prints after the colon`
	)
	tests := []struct {
		name   string
		args   []string
		stderr string // "..." stands for what differs
	}{
		{"misspelt flag", []string{"--web.max-request=5"}, "opsmanager_exporter: --web.max-request: unknown flag: did you mean --web.max-requests?" + help},
		{"misspelt command", []string{"chek"}, `opsmanager_exporter: "chek": unknown command: did you mean check?` + help},
		{"flag of another command", []string{"--online"}, "opsmanager_exporter: --online: is a flag of another command: use opsmanager_exporter check --online" + help},
		{"flag of two commands", []string{"--output=json"}, "opsmanager_exporter: --output: is a flag of another command: use opsmanager_exporter check --output or opsmanager_exporter orgs --output" + help},
		{"no number", []string{"--web.max-requests=x"}, `opsmanager_exporter: --web.max-requests="x": must be a whole number, such as 40` + help},
		{"no unit", []string{"--scrape.timeout-offset=5"}, "opsmanager_exporter: --scrape.timeout-offset=5: must be a duration with a unit, such as 500ms or 5s" + help},
		{"short default timeout", []string{"--scrape.default-timeout=5ms"}, "opsmanager_exporter: --scrape.default-timeout=5ms: must be at least 100ms" + help},
		{"output", []string{"check", "--output=xml"}, `opsmanager_exporter: --output="xml": must be table or json` + help},
		{"output of orgs", []string{"orgs", "--output=table"}, `opsmanager_exporter: --output="table": must be yaml or json` + help},
		{"log level", []string{"--log.level=warning"}, `opsmanager_exporter: --log.level="warning": must be debug, info, warn or error` + help},
		{"log format", []string{"--log.format=text"}, `opsmanager_exporter: --log.format="text": must be logfmt or json` + help},
		{"port alone", []string{"--web.listen-address=20301"}, "opsmanager_exporter: --web.listen-address=20301: must be host:port or :port, such as :20301" + help},
		{"path of another page", []string{"--web.telemetry-path=/-/ready"}, `opsmanager_exporter: --web.telemetry-path="/-/ready": this path is already in use: choose another` + help},
		{"prefix", []string{"--web.route-prefix=/a?b"}, `opsmanager_exporter: --web.route-prefix="/a?b": must contain only letters, digits and - _ . /, and must not end in /` + help},
		{"external URL with a password", []string{"--web.external-url=https://a:b@exporter.example.net"}, "opsmanager_exporter: --web.external-url: must be http:// or https:// followed by a host and optionally a path" + help},
		{"negative limit", []string{"--web.max-requests=-1"}, "opsmanager_exporter: --web.max-requests=-1: must be 0 or greater" + help},
		{"negative offset", []string{"--scrape.timeout-offset=-1s"}, "opsmanager_exporter: --scrape.timeout-offset=-1s: must be 0 or greater" + help},
		{"no configuration", []string{"--config.file=" + bad + ".not"}, starts + stops + `...bad.yml.not: no such file or directory: create it or correct the path"` + "\n"},
		{"no configuration, in JSON", []string{"--log.format=json", "--config.file=" + bad + ".not"}, `{...,"msg":"Starting opsmanager_exporter",...}` + "\n" + `{...,"level":"ERROR",...,"msg":"Exiting because of an error","err":"...bad.yml.not: no such file or directory: create it or correct the path"}` + "\n"},
		{"bad configuration", []string{"--config.file=" + bad}, starts + stops + "...bad.yml:2: ops_managers[0].url: ...\n" + stops + `...bad.yml:2: ops_managers[0].orgs: is missing: list the organizations to poll"` + "\n" + stops + `...bad.yml:3: ops_managers[0]: unknown key \"surprises\": ...`},
		{"bad configuration, to check", []string{"check", "--config.file=" + bad}, "opsmanager_exporter: ...bad.yml:2: ops_managers[0].url: ...\nopsmanager_exporter: ...bad.yml:2: ops_managers[0].orgs: is missing: list the organizations to poll\nopsmanager_exporter: ...bad.yml:3: ops_managers[0]: unknown key \"surprises\": ..."},
		{"port in use", []string{"demo", "--web.listen-address=" + taken.Addr().String()}, starts + stops + `--web.listen-address=\"` + taken.Addr().String() + `\": address already in use: stop the program that listens there, or choose another port"` + "\n"},
		{"address of another host", []string{"demo", "--web.listen-address=192.0.2.1:20301"}, starts + stops + `--web.listen-address=\"192.0.2.1:20301\": cannot assign requested address: use an address of this host, or :port for all of them"` + "\n"},
		{"no web configuration", []string{"demo", "--web.config.file=" + web + ".not"}, starts + stops + `--web.config.file=\"` + web + `.not\": no such file or directory: create it or correct the path"` + "\n"},
		{"bad hash", []string{"demo", "--web.config.file=" + web}, starts + stops + strings.ReplaceAll(strings.ReplaceAll(hash, "WEB", web), `"`, `\"`) + `"` + "\n"},
		{"bad hash, to check", []string{"check", "--web.config.file=" + web, "--config.file=" + bad + ".not"}, "opsmanager_exporter: " + strings.ReplaceAll(hash, "WEB", web) + "\nopsmanager_exporter: ...bad.yml.not: no such file or directory: create it or correct the path\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := runProgram(t, tt.args...)
			if status != 1 || stdout != "" { // the guide is printed only once the demo is listening
				t.Errorf("exit status %d, want 1; standard output %q", status, stdout)
			}
			pattern := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(tt.stderr), regexp.QuoteMeta("..."), ".*") + "$"
			if !regexp.MustCompile(pattern).MatchString(stderr) {
				t.Errorf("standard error:\n%swant:\n%s", stderr, tt.stderr)
			}
		})
	}
}

func TestHealthcheckAndCheck(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "demo")
	address := strings.TrimPrefix(p.url, "http://")
	if status, stdout, stderr := runProgram(t, "healthcheck", "--web.listen-address="+address); status != 0 || stdout+stderr != "" {
		t.Errorf("healthcheck: exit status %d, %s%s", status, stdout, stderr)
	}
	_, port, _ := net.SplitHostPort(address)
	if status, _, stderr := runProgram(t, "healthcheck", "--web.listen-address=[::1]:1", "--web.listen-address=:"+port); status != 0 {
		t.Errorf("healthcheck of several addresses: exit status %d, %s", status, stderr)
	}
	p.stop(t, syscall.SIGTERM)
	if status, _, stderr := runProgram(t, "healthcheck", "--web.listen-address="+address); status != 1 || !strings.HasPrefix(stderr, "opsmanager_exporter: health check: no HTTP response from "+address) {
		t.Errorf("healthcheck of nothing: exit status %d, %s", status, stderr)
	}

	sim := simulated.Server(t, simulator.Options{})
	const id = "5f1e9c2b8d3a4e0012ab34cd"
	sim.SetKey("jkqmzxvt", "a-private-key")
	sim.SetOrg(id, simulator.Org{Answer: simulator.Status("NOT_SYNCED")})
	content := fmt.Sprintf("ops_managers:\n  - url: %s\n    name: production\n    api_key: {public_key: jkqmzxvt, private_key: a-private-key}\n    orgs: [{id: %s}]\n", sim.URL(), id)
	file := testfile.New(t, "opsmanager.yml", content)
	for _, args := range [][]string{{"check"}, {"check", "--online"}, {"check", "--online", "--output=json"}} {
		status, stdout, stderr := runProgram(t, append(args, "--config.file="+file)...)
		if want := len(args) > 1; status != 0 || strings.Contains(stdout, "NOT_SYNCED") != want {
			t.Errorf("%v: exit status %d, %s%s", args, status, stdout, stderr)
		}
		if want := len(args) > 2; json.Valid([]byte(stdout)) != want {
			t.Errorf("%v: JSON %t\n%s", args, !want, stdout)
		}
		if !strings.Contains(stderr, "warning: ") { // the URL is http://
			t.Errorf("%v: standard error %q", args, stderr)
		}
	}
	sim.SetOrg(id, simulator.Org{Answer: simulator.MissingRole(false)})
	if status, _, stderr := runProgram(t, "check", "--online", "--config.file="+file); status != 1 || !strings.HasSuffix(stderr, "opsmanager_exporter: the status of 1 of 1 organization is unknown\n") {
		t.Errorf("check of a failing organization: exit status %d, %s", status, stderr)
	}
}

// orgs lists organizations; serving never does.
func TestOrgs(t *testing.T) {
	t.Parallel()
	const id, other = "5f1e9c2b8d3a4e0012ab34cd", "5f1e9c2b8d3a4e0012ab34ce"
	sim := simulated.Server(t, simulator.Options{})
	sim.SetKey("jkqmzxvt", "a-private-key")
	sim.SetOrg(id, simulator.Org{Name: "Payments"})
	sim.SetOrg(other, simulator.Org{Name: "Risk"})
	var lists atomic.Int64
	sim.SetList(func(w http.ResponseWriter, r *http.Request) {
		lists.Add(1)
		simulator.List()(w, r)
	})
	file := testfile.New(t, "opsmanager.yml", fmt.Sprintf("ops_managers:\n  - url: %s\n    timeout: 1m\n    api_key: {public_key: jkqmzxvt, private_key: a-private-key}\n    orgs: [{id: %s}]\n", sim.URL(), id))
	p := startProgram(t, "--config.file="+file)
	for _, path := range []string{"/metrics", "/", "/sd", "/probe?target=" + id + "&debug=true", "/metrics"} {
		if resp, body := p.get(t, path); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %s", path, resp.Status, body)
		}
	}
	p.stop(t, syscall.SIGTERM)
	if n := lists.Load(); n != 0 {
		t.Errorf("%d lists while serving", n)
	}
	for output, want := range map[string]string{
		"yaml": "      # configured: " + id + " \"Payments\"\n      - id: \"" + other + "\"\n        name: \"Risk\"\n",
		"json": `"org_id": "` + other + `",`,
	} {
		status, stdout, stderr := runProgram(t, "orgs", "--output="+output, "--config.file="+file)
		if status != 0 || !strings.Contains(stdout, want) || strings.Contains(stdout+stderr, "private-key") {
			t.Errorf("%s: exit status %d, %s%s", output, status, stdout, stderr)
		}
	}
	sim.RemoveKey("jkqmzxvt")
	status, _, stderr := runProgram(t, "orgs", "--config.file="+file)
	if want := "opsmanager_exporter: the organizations of 1 of 1 credential are unknown\n"; status != 1 || !strings.HasSuffix(stderr, want) {
		t.Errorf("exit status %d, %s", status, stderr)
	}
}

// A full pipe without a reader blocks neither startup, scrapes, reloads nor shutdown.
// Lost lines are counted, and logged once the pipe is read.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	file := testfile.New(t, "opsmanager.yml", oneOrganization)
	r, w := fullPipe(t)
	p := launch(t, func(cmd *exec.Cmd) { cmd.Stderr = w }, "--config.file="+file, "--web.enable-lifecycle")
	p.ready(t)
	dropped := func() string {
		_, body := p.get(t, "/metrics?collect[]=exporter")
		return regexp.MustCompile(`(?m)^opsmanager_exporter_log_lines_dropped_total \d+$`).FindString(body)
	}
	if got := dropped(); !strings.HasSuffix(got, " 0") {
		t.Errorf("before anything is dropped: %q", got)
	}
	if err := os.WriteFile(file, []byte("ops_managers:\n"+strings.Repeat("  - {url: ftp://example.net}\n", 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	overflow := func() {
		before := dropped()
		wait.For(t, "a line is dropped", func() bool {
			for range 50 { // each is a long line
				resp, err := http.Post(p.url+"/-/reload", "", nil)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
			return dropped() != before
		})
	}
	overflow()
	if _, body := p.get(t, "/metrics"); !strings.Contains(body, "opsmanager_migration_link_scrape_success") {
		t.Error("no scrape while nobody reads the log")
	}
	notice := regexp.MustCompile(`level=WARN .*msg="[1-9]\d* log lines were dropped because nothing was reading the log"`)
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal("the log does not say that lines were dropped")
		}
		if notice.MatchString(line) {
			break
		}
	}
	overflow()
	p.stop(t, syscall.SIGTERM)

	_, out := fullPipe(t)
	check := command(t.Context(), "check", "--config.file="+file)
	check.Stdout, check.Stderr = out, out
	if err := check.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	_ = check.Process.Signal(syscall.SIGTERM)
	// Before that, a signal terminates it with the default action.
	if err := check.Wait(); err == nil || err.Error() != "exit status 1" && err.Error() != "signal: terminated" {
		t.Errorf("check that nobody reads: %v", err)
	}
	demo := launch(t, func(cmd *exec.Cmd) { cmd.Stdout = out }, "demo")
	demo.ready(t)
	demo.stop(t, syscall.SIGTERM)
}

const oneOrganization = "ops_managers:\n  - url: https://127.0.0.1:1\n    api_key: {public_key: jkqmzxvt, private_key: a-private-key}\n    orgs: [{id: 5f1e9c2b8d3a4e0012ab34cd}]\n"

// fullPipe returns a pipe that is full until it is read.
func fullPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if err := w.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Skip("pipes have no deadlines here")
	}
	_, _ = w.WriteString(strings.Repeat("x", 1<<20) + "\n")
	return r, w
}

// If the reader of the output is gone, the output is lost, but the exit status does not
// change.
func TestReaderGoesAway(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no SIGPIPE here")
	}
	closed := func() *os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		t.Cleanup(func() { w.Close() })
		return w
	}
	file := testfile.New(t, "opsmanager.yml", oneOrganization)
	for _, tt := range []struct {
		args   []string
		status int
	}{
		{[]string{"--help"}, 0},
		{[]string{"--version"}, 0},
		{[]string{"check", "--config.file=" + file}, 0},
		{[]string{"check", "--config.file=" + file + ".not"}, 1},
		{[]string{"check", "--online", "--config.file=" + file}, 1},
		{[]string{"--config.file=" + file + ".not"}, 1},
		{[]string{"--surprise"}, 1},
	} {
		cmd := command(t.Context(), tt.args...)
		cmd.Stdout, cmd.Stderr = closed(), closed()
		_ = cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != tt.status {
			t.Errorf("%v: exit status %d, want %d: %v", tt.args, got, tt.status, cmd.ProcessState)
		}
	}
	p := launch(t, func(cmd *exec.Cmd) { cmd.Stdout, cmd.Stderr = closed(), closed() }, "demo")
	p.ready(t)
	if _, body := p.get(t, "/metrics"); !strings.Contains(body, "opsmanager_migration_link_synced") {
		t.Error("no scrape without a reader of the log")
	}
	p.stop(t, syscall.SIGTERM)
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"--version", "--help", "-h", "--help-man"} {
		status, stdout, stderr := runProgram(t, arg)
		if status != 0 || !strings.Contains(stdout, "opsmanager_exporter") || stderr != "" {
			t.Errorf("%s: exit status %d, standard output %q, standard error %q", arg, status, stdout, stderr)
		}
	}
}

// The help of a command shows its own defaults and hides flags that it does not use.
func TestHelpOfCommands(t *testing.T) {
	t.Parallel()
	serve := strings.Fields("help version log.level log.format config.file web.systemd-socket web.listen-address web.config.file web.telemetry-path" +
		" web.enable-lifecycle web.disable-exporter-metrics web.external-url web.route-prefix web.max-requests scrape.timeout-offset scrape.default-timeout")
	for _, tt := range []struct {
		args  []string
		flags []string
		says  []string
	}{
		{[]string{"--help"}, serve, []string{"usage: opsmanager_exporter [<flags>] [<command>]\n", "\n  opsmanager_exporter demo\n", "--web.listen-address=:20301 "}},
		{[]string{"serve", "--help"}, serve, []string{
			"usage: opsmanager_exporter serve [<flags>]\n", "--web.listen-address=:20301 ", "--config.file=\"opsmanager.yml\"", "--web.telemetry-path=/metrics ",
			"--web.max-requests=40 ", "--scrape.timeout-offset=500ms ", "--scrape.default-timeout=10s ",
		}},
		{[]string{"demo", "--help"}, slices.DeleteFunc(slices.Clone(serve), func(f string) bool { return f == "config.file" }), []string{"usage: opsmanager_exporter demo [<flags>]\n", "--web.listen-address=127.0.0.1:20301 "}},
		{[]string{"check", "--help"}, strings.Fields("help version config.file web.config.file online output"), []string{"usage: opsmanager_exporter check [<flags>]\n"}},
		{[]string{"orgs", "--help"}, strings.Fields("help version config.file output"), []string{"usage: opsmanager_exporter orgs [<flags>]\n", "--output=yaml "}},
		{[]string{"help", "healthcheck"}, strings.Fields("help version web.listen-address web.config.file"), []string{"usage: opsmanager_exporter healthcheck [<flags>]\n", "--web.listen-address=:20301 "}},
	} {
		status, help, stderr := runProgram(t, tt.args...)
		if status != 0 || stderr != "" {
			t.Errorf("%v: exit status %d, %s", tt.args, status, stderr)
		}
		var got []string
		for _, flag := range flagsOf(help) {
			got = append(got, flag[1])
		}
		if !slices.Equal(got, tt.flags) {
			t.Errorf("%v: flags %v, want %v", tt.args, got, tt.flags)
		}
		for _, s := range tt.says {
			if !strings.Contains(help, s) {
				t.Errorf("%v: no %q in\n%s", tt.args, s, help)
			}
		}
	}
}

// flagsOf returns the flags in a help text, each with "[no-]" or "", its name and its
// default.
func flagsOf(help string) (flags [][]string) {
	for _, m := range regexp.MustCompile(`(?m)^  (?:-h, |    )--(\[no-\])?([a-z.-]+)(?:=(\S+))?`).FindAllStringSubmatch(help, -1) {
		flags = append(flags, m[1:])
	}
	return flags
}

// The version of a build without ldflags, like this test, and of one with the ldflags
// of make.
func TestBuiltVersion(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	const stamps = "-X github.com/prometheus/common/version."
	binary := filepath.Join(t.TempDir(), program)
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags="+stamps+"Version=1.2.3 "+stamps+"Branch=main "+stamps+"Revision=0a1b2c", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tt := range []struct {
		built *exec.Cmd
		want  string
	}{
		{command(t.Context(), "--version"), `version (devel|[0-9]+\.[0-9]+\.[0-9]+\S*) \(branch: , revision: \w+`},
		{exec.CommandContext(t.Context(), binary, "--version"), `version 1\.2\.3 \(branch: main, revision: 0a1b2c\)`},
	} {
		out, err := tt.built.CombinedOutput()
		if err != nil || !regexp.MustCompile(`^opsmanager_exporter, `+tt.want).Match(out) {
			t.Errorf("%v: %v\n%s", tt.built, err, out)
		}
	}
}

// listenerPassword matches the bcrypt hash in the web configuration below.
const listenerPassword = "listener-password"

// allPaths are the paths that the exporter serves, and one that it does not.
func allPaths() []string {
	return []string{"/", "/metrics", "/metrics?collect[]=exporter", "/probe?target=5f1e9c2b8d3a4e0012ab3401", "/sd", "/-/healthy", "/-/ready", "/-/reload", "/nothing"}
}

func TestListenerSecurity(t *testing.T) {
	t.Parallel()
	servers, clients := authority.New(t), authority.New(t)
	cert, key := authority.Files(t, servers.Issue(t))
	webConfig := testfile.New(t, "web.yml", fmt.Sprintf(`tls_server_config:
  cert_file: %s
  key_file: %s
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: %s
basic_auth_users:
  prometheus: $2a$04$UubBr5nNKNy/6ugUqzTQYun.Rl5afhLuEQxHd9ZA8XD1jEb91nF16
`, cert, key, clients.File(t)))
	p := launch(t, nil, "demo", "--web.config.file="+webConfig)
	newClient := func(certificates ...tls.Certificate) *http.Client {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: servers.Pool(), Certificates: certificates}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	address := "https" + strings.TrimPrefix(p.url, "http")
	known := newClient(clients.Issue(t, authority.Client))
	awaitReady(t, p, func() error {
		resp, err := known.Get(address + "/-/ready")
		if err == nil {
			resp.Body.Close()
		}
		return err
	})
	for _, path := range allPaths() {
		for _, password := range []string{"", "wrong", listenerPassword} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if password != "" {
				req.SetBasicAuth("prometheus", password)
			}
			resp, err := known.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if let := resp.StatusCode != http.StatusUnauthorized; let != (password == listenerPassword) {
				t.Errorf("%s with password %q: status %d", path, password, resp.StatusCode)
			}
			if password != listenerPassword && strings.Contains(string(body), "opsmanager_") {
				t.Errorf("%s without the password answers %q", path, body)
			}
		}
		if resp, err := newClient().Get(address + path); err == nil {
			resp.Body.Close()
			t.Errorf("%s without a client certificate: status %d", path, resp.StatusCode)
		}
		if resp, err := newClient(servers.Issue(t, authority.Client)).Get(address + path); err == nil {
			resp.Body.Close()
			t.Errorf("%s with another CA's client certificate: status %d", path, resp.StatusCode)
		}
	}
	p.stop(t, syscall.SIGTERM)
}

// A certificate that breaks while in use is logged once, with its file, and healthcheck
// fails until it is repaired. Client errors are not logged.
func TestBrokenCertificate(t *testing.T) {
	t.Parallel()
	ca := authority.New(t)
	pem, key := authority.Files(t, ca.Issue(t))
	good := testfile.Read(t, pem)
	webConfig := testfile.New(t, "web.yml", fmt.Sprintf("tls_server_config: {cert_file: %s, key_file: %s}\n", pem, key))
	p := launch(t, nil, "demo", "--web.config.file="+webConfig)
	address := strings.TrimPrefix(p.url, "http://")
	healthcheck := func(args ...string) (int, string) {
		status, _, stderr := runProgram(t, append(args, "healthcheck", "--web.listen-address="+address)...)
		return status, stderr
	}
	shakeHands := func() error {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: ca.Pool()})
		if err == nil {
			conn.Close()
		}
		return err
	}
	awaitReady(t, p, shakeHands)
	for range 3 { // port scans, health checks, and clients that do not trust the certificate
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
		}
		if resp, err := http.Get(p.url); err == nil {
			resp.Body.Close()
		}
		_, _ = tls.Dial("tcp", address, &tls.Config{ServerName: "another"})
	}
	if status, stderr := healthcheck(); status != 0 {
		t.Errorf("healthcheck: exit status %d, %s", status, stderr)
	}
	testfile.Write(t, pem, "half a certif")
	for range 3 {
		if err := shakeHands(); err == nil {
			t.Error("a handshake with a broken certificate")
		}
	}
	want := "opsmanager_exporter: health check: " + address + ": TLS handshakes fail: its certificate, key or web configuration cannot be used; see its log\n"
	if status, stderr := healthcheck(); status != 1 || stderr != want {
		t.Errorf("healthcheck: exit status %d, %s", status, stderr)
	}
	if status, stderr := healthcheck("--web.config.file=" + webConfig); status != 1 || !strings.HasPrefix(stderr, want) || !strings.Contains(stderr, fmt.Sprintf("cert_file %q", pem)) {
		t.Errorf("healthcheck with the web configuration: exit status %d, %s", status, stderr)
	}
	testfile.Write(t, pem, good)
	if status, stderr := healthcheck(); status != 0 {
		t.Errorf("healthcheck of the repaired certificate: exit status %d, %s", status, stderr)
	}
	log := p.stop(t, syscall.SIGTERM)
	told := regexp.MustCompile(`level=WARN .*The web configuration cannot be used.*`).FindAllString(log, -1)
	if len(told) != 1 || !strings.Contains(told[0], pem) || !strings.Contains(told[0], "failed to find any PEM data") {
		t.Errorf("told: %q", told)
	}
	if strings.Contains(log, "level=ERROR") || strings.Contains(log, "HTTP server") || !strings.Contains(log, "The web configuration can be used again") {
		t.Errorf("log:\n%s", log)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "demo")
	for _, path := range allPaths() {
		resp, _ := p.get(t, path)
		for _, header := range []string{"Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options"} {
			if resp.Header.Get(header) == "" {
				t.Errorf("%s: no %s", path, header)
			}
		}
	}
	p.stop(t, syscall.SIGTERM)
}

// Clients that are slow or send too much lose their own connection, but not those of
// others.
func TestSlowAndGreedyClients(t *testing.T) {
	t.Parallel()
	ci.Long(t)
	p := startProgram(t, "demo")
	address := strings.TrimPrefix(p.url, "http://")
	slow := make([]net.Conn, 200)
	for i := range slow {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\n")
		slow[i] = conn
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go fmt.Fprintf(conn, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Greedy: %s\r\n\r\n", strings.Repeat("x", 1<<20))
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("huge header: %q, %v", line, err)
	}
	if _, body := p.get(t, "/metrics"); !strings.Contains(body, "opsmanager_migration_link_synced") {
		t.Error("no metrics beside slow clients")
	}
	for _, conn := range slow {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		// The server responds with 408 or nothing, and closes the connection.
		if _, err := io.ReadAll(conn); err != nil && os.IsTimeout(err) {
			t.Fatal("a client that never ends its headers keeps its connection")
		}
	}
	p.stop(t, syscall.SIGTERM)
}

// More connections than files: idle clients are closed in favor of those that send requests.
func TestMoreConnectionsThanFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no such limit here")
	}
	p := launch(t, func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `ulimit -n 128 && exec "$0" "$@"`}, cmd.Args...)
	}, "demo")
	p.ready(t)
	address := strings.TrimPrefix(p.url, "http://")
	var all []net.Conn
	for i := range 200 {
		conn, err := net.DialTimeout("tcp", address, patience)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		all = append(all, conn)
		fmt.Fprint(conn, []string{"", "GET /metrics HTTP/1.1\r\nHost: x\r\n", "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"}[i%3])
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, path := range []string{"/-/healthy", "/metrics"} {
		resp, err := client.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || path == "/metrics" && !strings.Contains(string(body), "opsmanager_migration_link_synced") {
			t.Errorf("%s: status %d, %v\n%s", path, resp.StatusCode, err, body)
		}
	}
	for _, conn := range all {
		conn.Close()
	}
	if log := p.stop(t, syscall.SIGTERM); strings.Contains(log, "too many open files") {
		t.Error("it ran out of files")
	}
}

func TestSystemdSocket(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no systemd here")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	p := launch(t, func(cmd *exec.Cmd) {
		cmd.ExtraFiles = []*os.File{socket} // file descriptor 3
		cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `export LISTEN_FDS=1 LISTEN_PID=$$ && exec "$0" "$@"`}, cmd.Args...)
	}, "demo", "--web.systemd-socket")
	p.url = "http://" + l.Addr().String()
	p.ready(t)
	p.stop(t, syscall.SIGTERM)
}

func TestReloadOverHTTP(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "opsmanager.yml")
	write := func(content string) { testfile.Write(t, file, content) }
	good := func(id string) string {
		return "ops_managers:\n  - url: https://127.0.0.1:1\n    api_key: {public_key: jkqmzxvt, private_key: a-private-key}\n    orgs: [{id: " + id + "}]\n"
	}
	write(good("5f1e9c2b8d3a4e0012ab34cd"))
	p := startProgram(t, "--config.file="+file, "--web.enable-lifecycle")
	reload := func(method string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, p.url+"/-/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, _ := reload(http.MethodGet); status != http.StatusMethodNotAllowed {
		t.Errorf("GET /-/reload: status %d", status)
	}
	write(good("5f1e9c2b8d3a4e0012ab34ce"))
	if status, body := reload(http.MethodPost); status != http.StatusOK {
		t.Errorf("a good file: status %d, %s", status, body)
	}
	if _, body := p.get(t, "/sd"); !strings.Contains(body, "5f1e9c2b8d3a4e0012ab34ce") || strings.Contains(body, "5f1e9c2b8d3a4e0012ab34cd") {
		t.Errorf("after a reload: %s", body)
	}
	write(good("not-an-id"))
	want := "the configuration could not be reloaded; the previous one stays in use:\n" + file + `:4: ops_managers[0].orgs[0].id: "not-an-id" is not an organization ID: use its 24 hexadecimal digits (Ops Manager > Organization > Settings)` + "\n"
	if status, body := reload(http.MethodPost); status != http.StatusInternalServerError || body != want {
		t.Errorf("a bad file: status %d, %q, want %q", status, body, want)
	}
	if _, body := p.get(t, "/metrics"); !strings.Contains(body, "opsmanager_exporter_config_last_reload_successful 0\n") || !strings.Contains(body, "5f1e9c2b8d3a4e0012ab34ce") {
		t.Error("a bad file is not told by the metric, or changed the configuration")
	}
	// SIGHUP does the same.
	write(good("5f1e9c2b8d3a4e0012ab34cf"))
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	awaitReady(t, p, func() error {
		if _, body := p.get(t, "/sd"); !strings.Contains(body, "5f1e9c2b8d3a4e0012ab34cf") {
			return fmt.Errorf("after SIGHUP: %s", body)
		}
		return nil
	})
	log := p.stop(t, syscall.SIGTERM)
	if !strings.Contains(log, "Reloading the configuration failed; the previous one stays in use") || strings.Contains(log, "jkqmzxvt") || strings.Contains(log, "a-private-key") {
		t.Errorf("log of the reloads:\n%s", log)
	}

	off := startProgram(t, "--config.file="+file)
	resp, err := http.Post(off.url+"/-/reload", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("without --web.enable-lifecycle: status %d", resp.StatusCode)
	}
	off.stop(t, syscall.SIGTERM)
}
