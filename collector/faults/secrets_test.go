package faults_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
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
	"time"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/opsmanager"
	"opsmanager_exporter/collector/opsmanager/simulator"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/collector/testkit/testlog"
	"opsmanager_exporter/config"
)

// vault holds all text that must never be shown: the API key in all its forms, every digest
// computed from it, session cookies, and the service account and its tokens.
type vault struct {
	mu      sync.Mutex
	servers []*simulator.Server // which issue tokens
	secrets map[string]string   // description by text in lower case
	cookies int                 // sent to the server that set them
	strays  int                 // sent to another server
}

func newVault() *vault {
	v := &vault{secrets: map[string]string{privateKey: "the private key", publicKey: "the public key"}}
	sum := md5.Sum([]byte(publicKey + ":MMS Public API:" + privateKey))
	v.secrets[hex.EncodeToString(sum[:])] = "HA1"
	v.secrets[strings.ToLower(base64.StdEncoding.EncodeToString([]byte(publicKey+":"+privateKey)))] = "the credentials of the account"
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

// account is a target with a service account whose tokens are recorded.
func (v *vault) account(a simulator.Account, org simulator.Org) func(scene) target {
	return func(s scene) target {
		server := s.simulate(simulator.Options{})
		v.servers = append(v.servers, server)
		a.Secret = privateKey
		server.SetAccount(publicKey, a)
		for _, id := range s.orgs {
			server.SetOrg(id, org)
		}
		return target{url: server.URL(), account: true}
	}
}

// echo responds with the credentials of the request wherever an error might show them.
func (v *vault) echo(code int) simulator.Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		_, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+secret+`", error="`+secret+`"`)
		w.Header().Set("X-MongoDB-Service-Version", "gitHash=a; versionString="+secret)
		text := strings.NewReplacer("SECRET", secret, "UPPER", strings.ToUpper(privateKey)).Replace(
			`{"status":"UPPER","error":"SECRET","error_description":"SECRET","errorCode":"UPPER","access_token":"SECRET","token_type":"SECRET","parameters":["SECRET"]}`)
		simulator.Body(code, "application/json", text)(w, r)
	}
}

// search fails the test for each secret that a text contains, in any letter case.
func (v *vault) search(t *testing.T, where, text string) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, server := range v.servers {
		for _, token := range server.Tokens() {
			v.secrets[strings.ToLower(token)] = "a token"
		}
	}
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
	t.Parallel()
	v := newVault()
	var strangers testlog.Buffer
	stranger := listener(scene{T: t}, func(c net.Conn) {
		_, _ = io.WriteString(&strangers, "a connection\n")
		stays(c)
	})

	p := launch(t, ":", 1, "--log.level=debug", "--web.enable-lifecycle")
	p.ready(t)
	v.servers = append(v.servers, p.server)
	faults := append(ownFaults(t),
		fault{name: "redirect", want: "redirect", answer: simulator.Redirect("http://"+stranger+"/", 307)},
		fault{name: "challenge with another origin", want: "unauthorized", before: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://"+stranger+r.URL.Path)
			challenged(`Digest realm="MMS Public API", domain="http://`+stranger+`/", nonce="abcdefgh", qop="auth"`)(w, r)
		}},
		fault{name: "recorded session cookie", want: "1", target: v.session},
		fault{name: "account redirected", want: "redirect", account: true, answer: simulator.Redirect("http://"+stranger+"/", 307)},
		fault{name: "token request redirected", want: "redirect", target: tokens(simulator.Redirect("http://"+stranger+"/api/oauth/token", 307))},
		fault{name: "recorded token", want: "1", target: v.account(simulator.Account{}, simulator.Org{})},
		fault{name: "recorded tokens of a second", want: "1", target: v.account(simulator.Account{Lifetime: time.Second}, simulator.Org{})},
		fault{name: "recorded tokens, refused", want: "unauthorized", target: v.account(simulator.Account{}, simulator.Org{BeforeAuth: v.echo(401)})},
		fault{name: "recorded tokens, echoed", want: "unknown_status", target: v.account(simulator.Account{}, simulator.Org{Answer: v.echo(200)})},
		fault{name: "secret echoed", want: "unauthorized", target: v.account(simulator.Account{BeforeAuth: v.echo(401)}, simulator.Org{})},
		fault{name: "secret echoed in a 200", want: "bad_response", target: v.account(simulator.Account{BeforeAuth: v.echo(200)}, simulator.Org{})},
	)
	text := "ops_managers:\n"
	var inHealthy, byAccount []string
	for i, f := range faults {
		org := faultOrg(i)
		if f.target != nil {
			tt := f.target(scene{t, []string{org}})
			tt.account = tt.account || f.account
			text += manager(f.name, tt, org)
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
		if f.account {
			byAccount = append(byAccount, org)
		} else {
			inHealthy = append(inHealthy, org)
		}
	}
	text += manager("healthy, by account", target{url: p.server.URL(), account: true, settings: "max_concurrent_requests: 64"}, byAccount...)
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
		strings.Replace(text, "private_key: ", "private_key: *", 1), strings.Replace(text, "client_secret: ", "client_secret: *", 1), strings.Replace(text, "http://127", "http://"+publicKey+":"+privateKey+"@127", 1),
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
	w.healthy.SetOrg(faultOrg(2), simulator.Org{Answer: simulator.Status("SYNCED")})
	v.servers = append(v.servers, w.healthy)
	w.load(t, []string{faultOrg(0)}, manager("dead", target{url: "https://127.0.0.1:1"}, faultOrg(1)),
		manager("account", target{url: w.healthy.URL(), account: true}, faultOrg(2)), manager("dead account", target{url: "https://127.0.0.1:1", account: true}, faultOrg(3)))
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
	account, err := loaded.OpsManagers[2].Credentials.Read()
	if err != nil {
		t.Fatal(err)
	}
	values := []any{
		loaded, *loaded, loaded.OpsManagers, loaded.OpsManagers[0], loaded.OpsManagers[0].Credentials, loaded.OpsManagers[0].Orgs, pair, &pair, account, &account,
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
	if len(w.healthy.Tokens()) == 0 {
		t.Error("no token was issued")
	}
	if len(v.secrets) < 5 {
		t.Errorf("only %d secrets", len(v.secrets))
	}
}
