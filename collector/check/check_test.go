package check

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/authority"
	"opsmanager_exporter/collector/testkit/testfile"
)

func TestOffline(t *testing.T) {
	ca := authority.New(t)
	file := configuration(t,
		manager("production", "https://opsmanager.example.net:8443/om", 2,
			strings.Replace(trustingAs(t, ca, ca), "{", "{server_name: om, ", 1),
			"proxy_url: http://"+proxyUser+":"+proxyPassword+"@proxy.example.net:3128", "timeout: 1500ms"),
		"  - url: https://cloud.mongodb.com\n    api_key: {public_key: a-s3cr3t, private_key: b-s3cr3t}\n    orgs: [{id: "+orgID(7)+"}]\n",
	)
	got := run(t.Context(), t, Options{File: file})
	got.want(t, "")
	if got.stderr != "" {
		t.Errorf("standard error: %s", got.stderr)
	}
	golden(t, "offline.golden", got.stdout)
}

func TestKindsOfTransport(t *testing.T) {
	for name, tt := range map[string]struct {
		url, settings, want, warning string
	}{
		"plain":      {"http://om.example.net", "timeout: 1s", "none  none", "warning: ops manager \"om\": http://om.example.net is not encrypted, so the status can be read and forged in transit: use https\n"},
		"unverified": {"https://om.example.net", "tls_config: {insecure_skip_verify: true}", "not verified  none", "warning: ops manager \"om\": insecure_skip_verify lets anyone impersonate Ops Manager: set ca_file instead\n"},
		"socks":      {"https://om.example.net", "proxy_url: socks5://proxy.example.net", "system CAs  socks5://proxy.example.net", ""},
		"not for it": {"https://om.example.net", "proxy_url: http://proxy.example.net\nno_proxy: example.net", "system CAs  none", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t.Context(), t, Options{File: configuration(t, manager("om", tt.url, 1, strings.Split(tt.settings, "\n")...))})
			got.want(t, "")
			lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, tt.want) {
				t.Errorf("got %q, want %q in it", last, tt.want)
			}
			if got.stderr != tt.warning {
				t.Errorf("got warnings %q, want %q", got.stderr, tt.warning)
			}
		})
	}
}

func TestWarningsAreCounted(t *testing.T) {
	for settings, want := range map[string]string{
		"timeout: 1s": "1 Ops Manager, 2 organizations, no problems found",
		"tls_config: {insecure_skip_verify: true}":                             "1 Ops Manager, 2 organizations, 1 warning",
		"tls_config: {insecure_skip_verify: true}\nmax_concurrent_requests: 1": "1 Ops Manager, 2 organizations, 2 warnings",
	} {
		got := run(t.Context(), t, Options{File: configuration(t, manager("om", "https://om.example.net", 2, strings.Split(settings, "\n")...))})
		got.want(t, "")
		first, _, _ := strings.Cut(got.stdout, "\n")
		if !strings.HasSuffix(first, "opsmanager.yml: "+want) {
			t.Errorf("got %q, want %q", first, want)
		}
	}
}

// Logs are limited to 20 problems, check shows all of them.
func TestManyProblems(t *testing.T) {
	for n, want := range map[int]struct {
		lines   int
		warning string
	}{21: {21, ""}, 999: {999, ""}, 5000: {1000, "warning: stopped after 1000 problems; there may be more\n"}} {
		var bad strings.Builder
		for i := range n {
			fmt.Fprintf(&bad, "      - id: x%d\n", i)
		}
		got := run(t.Context(), t, Options{File: configuration(t, manager("om", "https://om.example.net", 0)+bad.String())})
		if got.err == nil || got.stderr != want.warning {
			t.Fatalf("error %v, warnings %q", got.err, got.stderr)
		}
		lines := strings.Split(got.err.Error(), "\n")
		if last := lines[len(lines)-1]; len(lines) != want.lines || !strings.Contains(last, fmt.Sprintf("\"x%d\" is not an organization ID", want.lines-1)) {
			t.Errorf("%d lines, the last: %s", len(lines), last)
		}
	}
}

func TestProxyFromEnvironment(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://"+proxyUser+":"+proxyPassword+"@proxy.example.net:3128")
	t.Setenv("NO_PROXY", "")
	got := run(t.Context(), t, Options{File: configuration(t, manager("om", "https://om.example.net", 1, "proxy_from_environment: true"))})
	got.want(t, "")
	if !strings.Contains(got.stdout, "  http://proxy.example.net:3128  ") {
		t.Errorf("got:\n%s", got.stdout)
	}
}

// All problems of all files are reported at once.
func TestOfflineFiles(t *testing.T) {
	key := testfile.New(t, "empty.key", "")
	file := configuration(t,
		manager("production", "https://om.example.net", 1, "tls_config: {ca_file: missing.pem}"),
		"  - url: https://b.example.net\n    api_key: {public_key: a-s3cr3t, private_key_file: "+key+"}\n    orgs: [{id: "+orgID(7)+
			"}, {id: "+orgID(8)+", api_key: {public_key: c-s3cr3t, private_key_file: missing.key}}]\n",
	)
	got := run(t.Context(), t, Options{File: file})
	got.want(t, "private_key_file DIR/empty.key: is empty: it must contain the key\n"+
		"private_key_file DIR/missing.key: no such file or directory: create it or correct the path\n"+
		"ca_file DIR/missing.pem: no such file or directory: create it or correct the path")
	if got.stdout != "" {
		t.Errorf("a summary in spite of problems:\n%s", got.stdout)
	}
}

// Problems in a configuration are reported with file, line and fix, and nothing is
// polled.
func TestBadConfigurations(t *testing.T) {
	const dir = "../../config/testdata/bad"
	files, err := filepath.Glob(dir + "/*.yml")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	// These rules apply to the whole file.
	wholeFile := map[string]bool{"empty.yml": true, "only_comments.yml": true, "only_null.yml": true, "not_utf8.yml": true}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := run(t.Context(), t, Options{File: file, Online: true, JSON: true})
			if got.err == nil {
				t.Fatal("no error")
			}
			if got.stdout != "" || got.stderr != "" {
				t.Errorf("printed %q, %q", got.stdout, got.stderr)
			}
			for line := range strings.Lines(got.err.Error()) {
				rest, ok := strings.CutPrefix(line, file+":")
				numbered := ok && rest[0] >= '1' && rest[0] <= '9'
				if !ok || numbered == wholeFile[filepath.Base(file)] {
					t.Errorf("file or line is missing: %s", line)
				}
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		got := run(t.Context(), t, Options{File: "missing.yml"})
		got.want(t, "missing.yml: no such file or directory: create it or correct the path")
	})
}

func TestJSONNeedsOnline(t *testing.T) {
	run(t.Context(), t, Options{File: "missing.yml", JSON: true}).want(t, "--output=json requires --online")
}

// Any status is a success, including NOT_SYNCED; anything else is a failure.
func TestExit(t *testing.T) {
	synced, notSynced, broken := simulator.Status("SYNCED"), simulator.Status("NOT_SYNCED"), simulator.EmptyBody()
	for name, tt := range map[string]struct {
		answers []simulator.Answer
		want    string
	}{
		"all synced":     {[]simulator.Answer{synced, synced}, ""},
		"none synced":    {[]simulator.Answer{notSynced, notSynced}, ""},
		"one without":    {[]simulator.Answer{synced, broken, notSynced}, "the status of 1 of 3 organizations is unknown"},
		"the only one":   {[]simulator.Answer{broken}, "the status of 1 of 1 organization is unknown"},
		"none at all":    {[]simulator.Answer{broken, broken}, "the status of 2 of 2 organizations is unknown"},
		"unknown status": {[]simulator.Answer{simulator.Status("synced")}, "the status of 1 of 1 organization is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulate(t, simulator.Options{}, tt.answers...)
			file := configuration(t, manager("om", s.URL(), len(tt.answers)))
			for _, asJSON := range []bool{false, true} {
				run(t.Context(), t, Options{File: file, Online: true, JSON: asJSON}).want(t, tt.want)
			}
		})
	}
}

// A file that cannot be used fails only its organizations, and the check.
func TestOnlineFiles(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Status("SYNCED"), nil)
	file := configuration(t,
		manager("om", s.URL(), 1)+"      - {id: "+orgID(1)+", name: Risk, api_key: {public_key: a-s3cr3t, private_key_file: missing.key}}\n",
		"  - url: https://127.0.0.1:1\n    tls_config: {ca_file: missing.pem}\n    api_key: {public_key: a-s3cr3t, private_key: b-s3cr3t}\n    orgs: [{id: "+orgID(7)+"}]\n",
	)
	got := run(t.Context(), t, Options{File: file, Online: true})
	got.want(t, "private_key_file DIR/missing.key: no such file or directory: create it or correct the path\n"+
		"ca_file DIR/missing.pem: no such file or directory: create it or correct the path\n"+
		"the status of 2 of 3 organizations is unknown")
	golden(t, "files.golden", got.stdout)
}

// A broken key file is a problem even if no organization uses it.
func TestFileProblemByItself(t *testing.T) {
	s := simulate(t, simulator.Options{}, nil)
	file := configuration(t, "  - url: "+s.URL()+"\n    api_key: {public_key: a-s3cr3t, private_key_file: missing.key}\n    orgs:\n"+
		"      - {id: "+orgID(0)+", api_key: {public_key: "+publicKey+", private_key: "+privateKey+"}}\n")
	got := run(t.Context(), t, Options{File: file, Online: true, JSON: true})
	got.want(t, "private_key_file DIR/missing.key: no such file or directory: create it or correct the path")
	if records := decoded(t, got.stdout); len(records) != 1 || records[0].Status == nil || *records[0].Status != opsmanager.Synced {
		t.Errorf("got:\n%s", got.stdout)
	}
}

func TestInterrupted(t *testing.T) {
	s := simulate(t, simulator.Options{}, simulator.Hang())
	file := configuration(t, manager("om", s.URL(), 1))
	for _, asJSON := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		timer := time.AfterFunc(100*time.Millisecond, cancel)
		got := run(ctx, t, Options{File: file, Online: true, JSON: asJSON})
		timer.Stop()
		cancel()
		got.want(t, "interrupted")
		if strings.Contains(got.stdout, orgID(0)) || asJSON && got.stdout != "" {
			t.Errorf("a result in spite of the interruption:\n%s", got.stdout)
		}
	}
}
