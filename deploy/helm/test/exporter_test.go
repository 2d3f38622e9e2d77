package chart_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// The exporter accepts the configuration and the arguments from each values set, and
// responds where probes, monitors, the Ingress and helm test ask.
func TestExporter(t *testing.T) {
	program := filepath.Join(t.TempDir(), "opsmanager_exporter")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the exporter: %v\n%s", err, out)
	}
	orgs := map[string]int{"full": 5}
	forEachSet(t, func(t *testing.T, name string) {
		m := render(t, name)
		config := m.config
		if name == "config-secret" { // the Secret has the same content
			config = render(t, "minimal").config
		}
		text := config.Data["opsmanager.yml"]
		if got := strings.Count(text, " id: "); got != max(orgs[name], 1) || len(config.Data) != 1 {
			t.Errorf("%d organizations in %q:\n%s", got, slices.Collect(maps.Keys(config.Data)), text)
		}
		dir := t.TempDir()
		args := slices.Clone(m.deployment.Spec.Template.Spec.Containers[0].Args)
		for i, arg := range args {
			arg = strings.ReplaceAll(arg, "=/etc/opsmanager_exporter/", "="+dir+"/")
			arg = strings.ReplaceAll(arg, "=/secrets/", "="+dir+"/secrets/")
			args[i] = regexp.MustCompile(`(--web.listen-address=):\d+$`).ReplaceAllString(arg, "${1}127.0.0.1:0")
		}
		write(t, strings.TrimPrefix(args[1], "--config.file="), replace(t, text, "/secrets/", dir+"/secrets/"))
		if _, problem, err := run(t, program, "check", args[1]); err == nil || !strings.Contains(problem, "/secrets/") {
			t.Errorf("without keys: %v %s", err, problem)
		}
		writeSecrets(t, filepath.Join(dir, "secrets"), append(m.deployment.Spec.Template.Spec.Volumes, render(t, "minimal").deployment.Spec.Template.Spec.Volumes...))
		if out, problem, err := run(t, program, "check", args[1]); err != nil {
			t.Errorf("%v\n%s%s\n%s", err, out, problem, text)
		}
		address := serve(t, program, args)
		get(t, address, m)
		hook := append(slices.Clone(m.hook.Spec.Containers[0].Args[:1]), "--web.listen-address="+address)
		if out, problem, err := run(t, program, hook...); err != nil || !strings.HasPrefix(m.hook.Spec.Containers[0].Args[1], "--web.listen-address="+m.service.Name+".monitoring.svc:") {
			t.Errorf("helm test %q: %v\n%s%s", m.hook.Spec.Containers[0].Args, err, out, problem)
		}
	})
}

// writeSecrets writes the files of Secrets: an API key, a CA certificate, and a web
// configuration with TLS.
func writeSecrets(t *testing.T, dir string, volumes []corev1.Volume) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for _, volume := range volumes {
		if volume.Secret == nil {
			continue
		}
		for file, text := range map[string]string{
			"public": "jkqmzxvt\n", "private": "5f1e9c2b-0000-4000-8000-000000000000\n", "ca.pem": certificate,
			"web.yml": "tls_server_config: {cert_file: ca.pem, key_file: web.key}\n",
			"web.key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		} {
			write(t, filepath.Join(dir, volume.Secret.SecretName, file), text)
		}
	}
}

// serve starts the exporter and returns the address that it logs.
func serve(t *testing.T, program string, args []string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	reader, writer := io.Pipe()
	cmd.Stderr = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		writer.Close()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	address := regexp.MustCompile(`Listening on.*(127\.0\.0\.1:\d+)`)
	lines := bufio.NewScanner(reader)
	var log strings.Builder
	for lines.Scan() {
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			go io.Copy(io.Discard, reader)
			return found[1]
		}
		log.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("%q ended:\n%s", args, log.String())
	return ""
}

// get requests everything that probes, monitors and the Ingress request, without
// polling an organization.
func get(t *testing.T, address string, m manifests) {
	t.Helper()
	type request struct{ scheme, path string }
	requests := make(map[request]int) // statuses
	container := m.deployment.Spec.Template.Spec.Containers[0]
	for _, probe := range []*corev1.Probe{container.LivenessProbe, container.ReadinessProbe} {
		if probe != nil && probe.HTTPGet != nil {
			requests[request{strings.ToLower(string(probe.HTTPGet.Scheme)), probe.HTTPGet.Path}] = http.StatusOK
		}
	}
	if m.serviceMonitor != nil {
		endpoint := m.serviceMonitor.Spec.Endpoints[0]
		requests[request{endpoint.Scheme.String(), endpoint.Path + "?collect[]=exporter"}] = http.StatusOK
	}
	if m.podMonitor != nil {
		endpoint := m.podMonitor.Spec.PodMetricsEndpoints[0]
		requests[request{endpoint.Scheme.String(), endpoint.Path + "?collect[]=exporter"}] = http.StatusOK
	}
	if m.scrapeConfig != nil {
		scheme, rest, _ := strings.Cut(string(m.scrapeConfig.Spec.HTTPSDConfigs[0].URL), "://")
		_, path, _ := strings.Cut(rest, "/")
		requests[request{scheme, "/" + path}] = http.StatusOK
		for _, r := range m.scrapeConfig.Spec.RelabelConfigs {
			if r.TargetLabel == "__metrics_path__" {
				requests[request{scheme, *r.Replacement}] = http.StatusBadRequest // no target
			}
		}
	}
	if m.ingress != nil {
		scheme := "http"
		if strings.Contains(strings.Join(container.Args, " "), "--web.config.file=") {
			scheme = "https"
		}
		requests[request{scheme, m.ingress.Spec.Rules[0].HTTP.Paths[0].Path}] = http.StatusOK
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for r, want := range requests {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.scheme+"://"+address+r.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Errorf("%+v: %v", r, err)
			continue
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%+v: %s, want %d", r, resp.Status, want)
		}
	}
}
