package readme_test

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/testfile"
)

// The API key of the Ops Manager in the example configurations.
const (
	publicKey  = "jkqmzxvt"
	privateKey = "8a5c4c8e-0b1f-4f6e-9f0e-3d2b1a0c9e7d"
)

var commands = flag.Bool("commands", false, "run the commands, on this machine, as root; .ci/readme gives them a copy of it")

// rule is a rule for sh blocks with a given beginning.
type rule struct{ beginning, is string }

// servers returns the commands that run until they are stopped, with what responds once
// they are up.
func servers() []rule {
	return []rule{
		{"go run . demo", "http://127.0.0.1:20301/-/ready"},
		{"./opsmanager_exporter demo", "http://127.0.0.1:20301/-/ready"},
		{"./opsmanager_exporter --config.file=", "http://127.0.0.1:20301/-/ready"},
		{"opsmanager_exporter --config.file=", "http://127.0.0.1:20301/-/ready"},
		{"podman run ", "http://127.0.0.1:20301/-/ready"},
		{"prometheus ", "http://127.0.0.1:9090/-/ready"},
		{"alertmanager ", "http://127.0.0.1:9093/-/ready"},
		{"prometheus-alertmanager ", "http://127.0.0.1:9093/-/ready"},
	}
}

// cannotRun returns the commands that no test runs, with the reason. All others are run.
func cannotRun() []rule {
	const cluster = "needs a cluster; deploy/helm/test has the chart judged by what a cluster is made of"
	return []rule{
		{"go test ./...", "CI runs it by itself"},
		{"make stack", "needs docker compose, and images from elsewhere; deploy/compose has the files loaded by its loader"},
		{"docker compose ", "needs docker compose, and images from elsewhere; deploy/compose has the files loaded by its loader"},
		{"(cd dashboards/picture ", "loads packages from elsewhere; .ci/full runs it"},
		{"dnf ", "needs another distribution; .ci/packages installs the .rpm with rpm"},
		{"kubectl ", cluster},
		{"helm upgrade ", cluster},
	}
}

func find(b block, rules []rule) (rule, bool) {
	for _, r := range rules {
		if strings.HasPrefix(b.text, r.beginning) {
			return r, true
		}
	}
	return rule{}, false
}

// The list of commands that cannot run has no unused entries.
func TestCannotRun(t *testing.T) {
	used := make(map[rule]bool)
	for _, p := range pages(t, root) {
		for _, b := range p.blocks {
			if r, ok := find(b, cannotRun()); b.language == "sh" && ok {
				used[r] = true
			}
		}
	}
	for _, r := range cannotRun() {
		if !used[r] {
			t.Errorf("no block begins with %q", r.beginning)
		}
	}
}

// Every command in the READMEs works as written.
func TestCommands(t *testing.T) {
	if !*commands {
		t.Skip("run .ci/readme, or name -commands")
	}
	if err := os.Chdir(root); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages(t, ".") {
		t.Run(p.path, func(t *testing.T) { p.run(t) })
	}
}

// run runs the commands of a page, in order.
func (p page) run(t *testing.T) {
	startOpsManager(t, p)
	var output string
	stops := make(map[string]func()) // by what they serve
	for i, b := range p.blocks {
		if file := b.file(); file != "" {
			install(t, file, b.text)
		}
		if b.language == "text" && i > 0 && p.blocks[i-1].language == "sh" && b.between <= 1 {
			if err := printed(output, b.text); err != nil {
				t.Errorf("%s: %v\n%s", b, err, output)
			}
		}
		output = ""
		if b.language != "sh" {
			continue
		}
		if r, ok := find(b, cannotRun()); ok {
			t.Logf("%s: not run, %s:\n%s", b, r.is, b.text)
			continue
		}
		t.Logf("%s:\n%s", b, b.text)
		if r, ok := find(b, servers()); ok {
			if stop := stops[r.is]; stop != nil {
				stop()
			}
			stops[r.is] = serve(t, b, r.is)
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		out, err := bash(ctx, b).CombinedOutput()
		cancel()
		output = string(out)
		if err != nil {
			t.Fatalf("%s: %v\n%s", b, err, output)
		}
	}
}

func bash(ctx context.Context, b block) *exec.Cmd {
	return exec.CommandContext(ctx, "bash", "-e", "-o", "pipefail", "-c", b.text)
}

// serve starts a command that runs until stop is called or the copy of the machine
// stops.
func serve(t *testing.T, b block, url string) (stop func()) {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// In a separate session, so that children of bash can be stopped too.
	cmd := exec.CommandContext(t.Context(), "setsid", "bash", "-e", "-c", b.text)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	realprogram.Await(t, 5*time.Minute, func() error {
		select {
		case err := <-ended:
			t.Fatalf("%s ended, %v:\n%s", b, err, testfile.Read(t, log.Name()))
		default:
		}
		resp, err := http.Get(url)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", url, resp.Status)
		}
		return nil
	})
	return func() {
		// Without its name, kill takes the number of a group below 65 for the signal.
		if out, err := exec.CommandContext(t.Context(), "kill", "-TERM", "--", fmt.Sprint(-cmd.Process.Pid)).CombinedOutput(); err != nil {
			t.Errorf("stop %s: %v\n%s", b, err, out)
		}
		<-ended
	}
}

// startOpsManager starts the Ops Manager of the examples.
func startOpsManager(t *testing.T, p page) {
	t.Helper()
	ca := authority.New(t)
	sim, err := simulator.Start(simulator.Options{
		Address: "127.0.0.1:8443",
		TLS:     &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{ca.Issue(t, authority.DNS("opsmanager.example.net"))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	// Where other users can find it.
	const file = "/etc/ssl/opsmanager.example.net.pem"
	if err := os.WriteFile(file, []byte(ca.PEM()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", file)
	sim.SetKey(publicKey, privateKey)
	for _, b := range p.blocks {
		for _, id := range regexp.MustCompile(`\b[0-9a-f]{24}\b`).FindAllString(b.text, -1) {
			sim.SetOrg(id, simulator.Org{})
		}
	}
	sim.SetOrg("5f1e9c2b8d3a4e0012ab34cd", simulator.Org{Name: "Payments"})
	sim.SetOrg("5f1e9c2b8d3a4e0012ab34ce", simulator.Org{Name: "Risk", Answer: simulator.Status("NOT_SYNCED")})
	sim.SetOrg("5f1e9c2b8d3a4e0012ab34cf", simulator.Org{Name: "Trading"})
}

// install writes a file and the key files that it refers to, like a reader would.
func install(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	testfile.Write(t, file, text)
	for _, m := range named.FindAllStringSubmatch(text, -1) {
		key := m[2]
		if !filepath.IsAbs(key) {
			key = filepath.Join(filepath.Dir(file), key)
		}
		if _, err := os.Stat(key); err == nil {
			continue
		}
		content := map[string]string{"public_key_file": publicKey, "private_key_file": privateKey}[m[1]]
		if content == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(key), 0o700); err != nil {
			t.Fatal(err)
		}
		testfile.Write(t, key, content+"\n")
	}
}

// printed returns the first line of a page that is missing, in this order, from the
// output of a command. All numbers are equal, and "..." matches any lines.
func printed(output, want string) error {
	number := regexp.MustCompile(`\b\d+(\.\d+)?(ms|s)?\b`)
	same := func(s string) string {
		return strings.Join(strings.Fields(number.ReplaceAllString(s, "0")), " ")
	}
	lines := strings.Split(output, "\n")
	for line := range strings.Lines(want) {
		line = strings.TrimSpace(line)
		if line == "" || line == "..." {
			continue
		}
		found := -1
		for i, got := range lines {
			if same(got) == same(line) {
				found = i
				break
			}
		}
		if found < 0 {
			return errors.New("not printed: " + line)
		}
		lines = lines[found+1:]
	}
	return nil
}

func TestPrinted(t *testing.T) {
	const output = "  0.001s  HTTP 401\nopsmanager_info{version=\"8.0\"} 1\nlast at 127.0.0.1:4711 5f1e9c2b8d3a4e0012ab3401\n"
	for want, problem := range map[string]string{
		"0.25s HTTP 401\n...\nlast at 127.0.0.1:80 5f1e9c2b8d3a4e0012ab3401": "",
		"last at 127.0.0.1:80 5f1e9c2b8d3a4e0012ab3402":                      "not printed: last at 127.0.0.1:80 5f1e9c2b8d3a4e0012ab3402",
		"opsmanager_info{version=\"7.0\"} 1\n0.25s HTTP 401":                 "not printed: 0.25s HTTP 401",
		"HTTP 401": "not printed: HTTP 401",
	} {
		got := ""
		if err := printed(output, want); err != nil {
			got = err.Error()
		}
		if got != problem {
			t.Errorf("%q: %q, want %q", want, got, problem)
		}
	}
}
