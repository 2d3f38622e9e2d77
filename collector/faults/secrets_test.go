package faults_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/testlog"
	"opsmanager_exporter/config"
)

// vault holds all text that must never be shown: the API key in all its forms, every digest
// computed from it, and session cookies.
type vault struct {
	mu      sync.Mutex
	secrets map[string]string // description by text in lower case
	cookies int               // sent to the server that set them
	strays  int               // sent to another server
}

func newVault() *vault {
	v := &vault{secrets: map[string]string{privateKey: "the private key", publicKey: "the public key"}}
	sum := md5.Sum([]byte(publicKey + ":MMS Public API:" + privateKey))
	v.secrets[hex.EncodeToString(sum[:])] = "HA1"
	return v
}

var credentials = regexp.MustCompile(`(nonce|cnonce|response)="([^"]*)"`)

// session is a target that binds nonces to a cookie. It records the cookies.
func (v *vault) session(s scene) target {
	server := s.simulate(simulator.Options{Nonce: simulator.Nonce{Session: true}})
	for _, org := range s.orgs {
		server.SetOrg(org, simulator.Org{Answer: func(w http.ResponseWriter, r *http.Request) {
			v.mu.Lock()
			for _, c := range r.Cookies() {
				v.cookies++
				v.secrets[strings.ToLower(c.Value)] = "the cookie " + c.Name
			}
			v.mu.Unlock()
			simulator.Status("SYNCED")(w, r)
		}})
	}
	return target{url: server.URL()}
}

// watch records the credentials of requests to a server that sets no cookie.
func (v *vault) watch(a simulator.Answer) simulator.Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		for _, m := range credentials.FindAllStringSubmatch(r.Header.Get("Authorization"), -1) {
			v.secrets[strings.ToLower(m[2])] = "a digest's " + m[1]
		}
		v.strays += len(r.Cookies())
		v.mu.Unlock()
		a(w, r)
	}
}

// search fails the test for each secret that a text contains, in any letter case.
func (v *vault) search(t *testing.T, where, text string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	text = strings.ToLower(text)
	for secret, what := range v.secrets {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s shows %s: ...%s...", where, what, text[max(0, i-80):min(len(text), i+len(secret)+20)])
		}
	}
}

// TestSecrets runs the exporter with debug logging through all faults and all user requests,
// and searches its output, command line and environment for the API key, digests and
// cookies. Hosts that responses and challenges refer to get no connection, and proxies no
// digest.
func TestSecrets(t *testing.T) {
	v := newVault()
	var strangers testlog.Buffer
	stranger := listener(scene{T: t}, func(c net.Conn) {
		_, _ = io.WriteString(&strangers, "a connection\n")
		stays(c)
	})

	p := launch(t, ":", 1, "--log.level=debug", "--web.enable-lifecycle")
	p.ready(t)
	faults := append(ownFaults(t),
		fault{name: "redirect", want: "redirect", answer: simulator.Redirect("http://"+stranger+"/", 307)},
		fault{name: "challenge with another origin", want: "unauthorized", before: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://"+stranger+r.URL.Path)
			challenged(`Digest realm="MMS Public API", domain="http://`+stranger+`/", nonce="abcdefgh", qop="auth"`)(w, r)
		}},
		fault{name: "recorded session cookie", want: "1", target: v.session},
	)
	text := "ops_managers:\n"
	var inHealthy []string
	for i, f := range faults {
		org := faultOrg(i)
		if f.target != nil {
			text += manager(f.name, f.target(scene{t, []string{org}}), org)
			continue
		}
		o := simulator.Org{}
		if f.answer != nil {
			o.Answer = v.watch(f.answer)
		}
		if f.before != nil {
			o.BeforeAuth = v.watch(f.before)
		}
		p.server.SetOrg(org, o)
		inHealthy = append(inHealthy, org)
	}
	text += manager("healthy", target{url: p.server.URL(), settings: "max_concurrent_requests: 64"}, append(inHealthy, healthyOrg(0))...)
	text = within(pollTimeout, text)
	testfile.Write(t, p.file, text)

	said := 0
	ask := func(method, path string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "12")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		said++
		v.search(t, path, fmt.Sprint(resp.Header)+string(body))
		return string(body)
	}
	if got := ask(http.MethodPost, "/-/reload"); strings.Contains(got, "rror") {
		t.Fatal(got)
	}
	for range 2 {
		if got := strings.Count(ask(http.MethodGet, "/metrics"), "\nopsmanager_migration_link_scrape_success{"); got != len(faults)+1 {
			t.Errorf("%d organizations, want %d", got, len(faults)+1)
		}
	}
	for _, path := range []string{"/", "/?state=unknown", "/sd", "/-/healthy", "/-/ready", "/metrics?collect[]=exporter", "/nowhere", "/probe", "/probe?target=x"} {
		ask(http.MethodGet, path)
	}
	for page := 2; page < 8; page++ {
		ask(http.MethodGet, fmt.Sprintf("/?page=%d", page))
	}
	var probes sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range faults {
		probes.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			resp, err := http.Get(p.url + "/probe?debug=true&target=" + faultOrg(i))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			story, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Error(err)
			}
			v.search(t, "the story of "+faults[i].name, string(story))
		})
	}
	probes.Wait()
	said += len(faults)

	// Many parsers quote invalid files.
	for _, bad := range []string{
		text + "\nops_managers: " + privateKey, strings.Replace(text, "{public_key", "{{public_key", 1),
		strings.Replace(text, "private_key: ", "private_key: *", 1), strings.Replace(text, "http://127", "http://"+publicKey+":"+privateKey+"@127", 1),
		strings.Replace(text, "public_key: ", "public_key: [", 1), text + "  - " + privateKey,
	} {
		testfile.Write(t, p.file, bad)
		ask(http.MethodPost, "/-/reload")
		ask(http.MethodGet, "/")
	}
	testfile.Write(t, p.file, text)

	for _, args := range [][]string{{"check"}, {"check", "--online"}, {"check", "--online", "--output=json"}} {
		out, _ := exec.Command(exporter(t), append(args, "--config.file="+p.file, "--log.level=debug")...).CombinedOutput()
		said++
		v.search(t, strings.Join(args, " "), string(out))
		if len(out) == 0 {
			t.Errorf("%s says nothing", args)
		}
	}

	for _, file := range []string{"cmdline", "environ"} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.Process.Pid, file))
		if err != nil {
			t.Log("not searched: ", err) // this system has no /proc
			continue
		}
		said++
		v.search(t, file, string(content))
	}
	_ = p.Process.Signal(syscall.SIGQUIT) // a crash: all goroutines are printed
	<-p.exited
	log := p.log.String()
	if !strings.Contains(log, "goroutine ") {
		t.Error("the crash left no trace")
	}
	v.search(t, "the log and the crash", log)
	if s := strangers.String(); s != "" {
		t.Errorf("a host that is not configured got\n%s", s)
	}
	if len(v.secrets) < 300 {
		t.Errorf("only %d secrets were looked for", len(v.secrets))
	}
	if v.cookies == 0 || v.strays > 0 {
		t.Errorf("%d cookies were sent to the server that set them, %d to others", v.cookies, v.strays)
	}
	t.Logf("%d faults; %d answers, a log of %d bytes and a crash searched for %d secrets", len(faults), said, len(log), len(v.secrets))
}

// TestSecretsInCore prints every value that the exporter's packages return.
func TestSecretsInCore(t *testing.T) {
	v := newVault()
	w := newWorld(t, 1)
	w.healthy.SetOrg(faultOrg(0), simulator.Org{Answer: v.watch(simulator.MissingRole(true))})
	w.load(t, []string{faultOrg(0)}, manager("dead", target{url: "https://127.0.0.1:1"}, faultOrg(1)))
	loaded, err := config.Load(w.file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	// Not that of w, which checks its files in the background after loading.
	exporter := collector.NewExporter(slog.New(slog.NewTextHandler(&w.log, nil)), "test")
	defer exporter.Close()
	exporter.Apply(loaded)
	results, _ := exporter.Targets().Poll(ctx, nil)
	pair, err := loaded.OpsManagers[0].Credentials.Read()
	if err != nil {
		t.Fatal(err)
	}
	values := []any{
		loaded, *loaded, loaded.OpsManagers, loaded.OpsManagers[0], loaded.OpsManagers[0].Credentials, loaded.OpsManagers[0].Orgs, pair, &pair,
		results, results.Orgs, exporter, exporter.Targets(), exporter.Targets().Collector(ctx, collector.Options{}), exporter.Snapshot(), opsmanager.NewSessions(),
	}
	for _, r := range results.Orgs {
		for err := r.Err; err != nil; {
			values = append(values, err)
			unwrapped, ok := err.(interface{ Unwrap() error })
			if !ok {
				break
			}
			err = unwrapped.Unwrap()
		}
	}
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			v.search(t, fmt.Sprintf("%s of %T", verb, value), fmt.Sprintf(verb, value))
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("core", "value", value)
		slog.New(slog.NewTextHandler(&log, nil)).Info("core", "value", value)
		v.search(t, fmt.Sprintf("the log of %T", value), log.String())
	}
	v.search(t, "the log", w.log.String())
	if len(v.secrets) < 5 {
		t.Errorf("only %d secrets", len(v.secrets))
	}
}
