// Package compose_test checks the compose stack with compose's own loader and
// with the programs that read the files it mounts.
package compose_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/realprometheus"
	"opsmanager_exporter/collector/testkit/testfile"
	"opsmanager_exporter/config"
)

// loader is the command of compose-go, the parser that docker compose uses.
const loader = "../../.bin/compose"

type project struct {
	Services map[string]service
	Secrets  map[string]struct{ File string }
	Volumes  map[string]struct{}
}

type service struct {
	Image       string
	Build       *struct{ Context, Dockerfile string }
	Command     []string
	Environment map[string]string
	HealthCheck *struct{ Test []string }
	ReadOnly    bool     `json:"read_only"`
	CapDrop     []string `json:"cap_drop"`
	SecurityOpt []string `json:"security_opt"`
	Restart     string
	Privileged  bool
	CapAdd      []string `json:"cap_add"`
	NetworkMode string   `json:"network_mode"`
	Ports       []struct {
		HostIP    string `json:"host_ip"`
		Published string
		Target    int
	}
	Volumes   []mount
	Secrets   []struct{ Source, Target string }
	DependsOn map[string]struct{} `json:"depends_on"`
}

type mount struct {
	Type, Source, Target string
	ReadOnly             bool `json:"read_only"`
}

func load(t *testing.T, files ...string) project {
	t.Helper()
	out, err := realprogram.Run(t, loader, append([]string{"-format=json"}, files...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var p project
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// mounts returns the files mounted from the project, by their paths in the container.
func mounts(t *testing.T, s service) map[string]string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]string)
	for _, m := range s.Volumes {
		if m.Type != "bind" {
			continue
		}
		if !m.ReadOnly {
			t.Errorf("%s can be written to", m.Target)
		}
		if _, err := os.Stat(m.Source); err != nil {
			t.Error(err)
		}
		if found[m.Target], err = filepath.Rel(root, m.Source); err != nil {
			t.Error(err)
		}
	}
	return found
}

// problems returns problems of a project that the loader does not detect: dangling
// references, and services that are not hardened.
func problems(p project) (found []string) {
	complain := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for name, s := range p.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) ||
			s.Restart != "unless-stopped" || s.Privileged || s.CapAdd != nil || s.NetworkMode != "" {
			complain("%s is not hardened: %+v", name, s)
		}
		if s.HealthCheck == nil {
			complain("%s has no health check", name)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				complain("port %d of %s is open to others", port.Target, name)
			}
		}
		for variable, value := range s.Environment {
			if strings.Contains(variable, "PASSWORD") && !strings.HasPrefix(value, "/run/secrets/") {
				complain("%s of %s is no file", variable, name)
			}
		}
		for _, m := range s.Volumes {
			if _, ok := p.Volumes[m.Source]; m.Type == "volume" && !ok {
				complain("%s: there is no volume %s", name, m.Source)
			}
		}
		for _, secret := range s.Secrets {
			if p.Secrets[secret.Source].File == "" {
				complain("%s: there is no file for the secret %s", name, secret.Source)
			}
		}
		for other := range s.DependsOn {
			if _, ok := p.Services[other]; !ok {
				complain("%s: there is no service %s", name, other)
			}
		}
	}
	return found
}

func TestServices(t *testing.T) {
	for _, files := range [][]string{{"compose.yml"}, {"compose.yml", "compose.production.yml"}} {
		p := load(t, files...)
		for _, problem := range problems(p) {
			t.Errorf("%v: %s", files, problem)
		}
		if got, want := len(p.Services), 4; got != want {
			t.Errorf("%v: %d services, want %d", files, got, want)
		}
	}
}

// The images have the versions that the tests run.
func TestImages(t *testing.T) {
	p, ci := load(t, "compose.yml"), testfile.Read(t, "../../.ci/tools")
	tested := func(pattern string) string {
		match := regexp.MustCompile(pattern + `@v([0-9.]+)`).FindStringSubmatch(ci)
		if match == nil {
			t.Fatalf("no %s in .ci/tools", pattern)
		}
		return match[1]
	}
	// The module v0.316.0 is Prometheus 3.16.0.
	number := regexp.MustCompile(`^0\.([0-9])([0-9]{2})\.([0-9]+)$`).FindStringSubmatch(tested("cmd/prometheus"))
	if number == nil {
		t.Fatal("a module of Prometheus has another numbering now")
	}
	var types struct {
		DevDependencies map[string]string `json:"devDependencies"`
	}
	if err := json.Unmarshal([]byte(testfile.Read(t, "../../dashboards/strict/package.json")), &types); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"exporter":     "opsmanager_exporter:compose",
		"grafana":      "grafana/grafana:" + types.DevDependencies["@grafana/schema"], // the types of the dashboard are from this version
		"prometheus":   "prom/prometheus:v" + number[1] + "." + strings.TrimPrefix(number[2], "0") + "." + number[3],
		"alertmanager": "prom/alertmanager:v" + tested("cmd/alertmanager"),
	}
	for name, image := range want {
		if got := p.Services[name].Image; got != image {
			t.Errorf("%s: %s, want %s", name, got, image)
		}
	}
	if b := p.Services["exporter"].Build; b == nil || testfile.Read(t, filepath.Join(b.Context, b.Dockerfile)) != testfile.Read(t, "../container/Dockerfile") {
		t.Errorf("exporter: %+v, want deploy/container/Dockerfile", b)
	}
}

// The mounted files are the shipped ones, which other tests check.
func TestMounts(t *testing.T) {
	p := load(t, "compose.yml", "compose.production.yml")
	for name, want := range map[string]map[string]string{
		"exporter": {"/etc/opsmanager_exporter/opsmanager.yml": "deploy/compose/opsmanager.yml"},
		"prometheus": {
			"/etc/prometheus/prometheus.yml": "deploy/compose/prometheus.yml",
			"/etc/prometheus/alerts.yml":     "deploy/prometheus/alerts.yml",
			"/etc/prometheus/report.yml":     "deploy/prometheus/report.yml",
		},
		"alertmanager": {"/etc/alertmanager/alertmanager.yml": "deploy/alertmanager/alertmanager.yml"},
		"grafana": {
			"/etc/grafana/provisioning/datasources": "deploy/compose/grafana/datasources",
			"/etc/grafana/provisioning/dashboards":  "deploy/compose/grafana/dashboards",
			"/etc/dashboards/migration-links.json":  "dashboards/migration-links.json",
		},
	} {
		got := mounts(t, p.Services[name])
		for target, source := range want {
			if got[target] != source {
				t.Errorf("%s: %s is %q, want %s", name, target, got[target], source)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s mounts %v", name, got)
		}
	}
	if m := mounts(t, load(t, "compose.yml").Services["exporter"]); len(m) != 0 {
		t.Errorf("the demo mounts %v", m)
	}
	// --config.file, storage and similar flags match the mounts.
	for name, flag := range map[string]string{
		"exporter": "--config.file=/etc/opsmanager_exporter/opsmanager.yml", "prometheus": "--config.file=/etc/prometheus/prometheus.yml",
		"alertmanager": "--config.file=/etc/alertmanager/alertmanager.yml",
	} {
		if !slices.Contains(p.Services[name].Command, flag) {
			t.Errorf("%s: %v lacks %s", name, p.Services[name].Command, flag)
		}
	}
}

// The keys in the production configuration are secrets of its service.
func TestProductionConfiguration(t *testing.T) {
	targets := make(map[string]bool)
	p := load(t, "compose.yml", "compose.production.yml")
	for _, name := range []string{"exporter", "grafana"} {
		for _, secret := range p.Services[name].Secrets {
			targets[secret.Target] = true
		}
	}
	text := testfile.Read(t, "opsmanager.yml")
	for _, file := range regexp.MustCompile(`/run/secrets/\S+`).FindAllString(text+p.Services["grafana"].Environment["GF_SECURITY_ADMIN_PASSWORD__FILE"], -1) {
		if !targets[file] {
			t.Errorf("%s is no secret", file)
		}
		delete(targets, file)
	}
	if len(targets) != 0 {
		t.Errorf("unused secrets: %v", targets)
	}
	if _, err := config.Load("opsmanager.yml"); err != nil {
		t.Error(err)
	}
}

// prometheus.yml is the shipped one with the addresses of the services.
func TestPrometheusConfiguration(t *testing.T) {
	shipped := testfile.Read(t, "../prometheus/prometheus.yml")
	for address, name := range map[string]string{"localhost:20301": "exporter:20301", "localhost:9093": "alertmanager:9093"} {
		shipped = realprometheus.Replace(t, shipped, "targets: ["+address, "targets: ["+name)
	}
	if want, got := bare(shipped), bare(testfile.Read(t, "prometheus.yml")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// bare removes comments and empty lines.
func bare(text string) string {
	text = regexp.MustCompile(`(?m)\s*#.*$`).ReplaceAllString(text, "")
	return strings.TrimSpace(regexp.MustCompile(`\n\s*\n+`).ReplaceAllString(text, "\n"))
}

// The programs accept the files as mounted, and the health checks detect whether they
// run.
func TestPrograms(t *testing.T) {
	suite := realprometheus.Newest()
	realprogram.Need(t, suite.Prometheus, suite.Promtool, suite.Alertmanager, suite.Amtool)
	p, dir := load(t, "compose.yml"), t.TempDir()
	for target, source := range mounts(t, p.Services["prometheus"]) {
		testfile.Write(t, filepath.Join(dir, filepath.Base(target)), testfile.Read(t, "../../"+source))
	}
	if out, err := realprogram.Run(t, suite.Promtool, "check", "config", filepath.Join(dir, "prometheus.yml")); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	alertmanager := "../../" + mounts(t, p.Services["alertmanager"])["/etc/alertmanager/alertmanager.yml"]
	if out, err := realprogram.Run(t, suite.Amtool, "check-config", alertmanager); err != nil {
		t.Errorf("%v\n%s", err, out)
	}

	programs := map[string]string{"promtool": suite.Promtool, "amtool": suite.Amtool}
	running := map[string]*realprometheus.Process{
		"prometheus":   suite.StartPrometheus(t, testfile.Read(t, "prometheus.yml"), rules(t), "--rules.alert.for-grace-period=1m"),
		"alertmanager": suite.StartAlertmanager(t, testfile.Read(t, alertmanager)),
	}
	for name, process := range running {
		health := p.Services[name].HealthCheck.Test
		check := func(address string) error {
			var args []string
			for _, arg := range health[2:] {
				args = append(args, regexp.MustCompile(`localhost:\d+`).ReplaceAllString(arg, address))
			}
			_, err := realprogram.Run(t, programs[health[1]], args...)
			return err
		}
		realprogram.Await(t, 20*time.Second, func() error { return check(process.Address) })
		if check(realprogram.FreeAddress(t)) == nil {
			t.Errorf("%s is healthy where nothing listens", name)
		}
	}
}

// Unlike Grafana, this rejects unknown keys.
func TestGrafanaProvisioning(t *testing.T) {
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type, Access, URL string
			IsDefault                    bool `yaml:"isDefault"`
			JSONData                     struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	var boards struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Type string
			Options    struct{ Path string }
		}
	}
	strict := func(path string, v any) {
		d := yaml.NewDecoder(strings.NewReader(testfile.Read(t, path)))
		d.KnownFields(true)
		if err := d.Decode(v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	strict("grafana/datasources/prometheus.yml", &sources)
	strict("grafana/dashboards/migration-links.yml", &boards)
	p := load(t, "compose.yml")
	if len(sources.Datasources) != 1 || sources.APIVersion != 1 {
		t.Fatalf("%+v", sources)
	}
	s := sources.Datasources[0]
	if port := p.Services["prometheus"].Ports[0].Target; s.Type != "prometheus" || !s.IsDefault || s.URL != "http://prometheus:9090" || port != 9090 {
		t.Errorf("%+v does not lead to Prometheus at port %d", s, port)
	}
	if !strings.Contains(testfile.Read(t, "prometheus.yml"), "scrape_interval: "+s.JSONData.TimeInterval+"\n") {
		t.Errorf("the scrape interval is not %s", s.JSONData.TimeInterval)
	}
	if len(boards.Providers) != 1 || boards.APIVersion != 1 {
		t.Fatalf("%+v", boards)
	}
	if b := boards.Providers[0]; b.Type != "file" || mounts(t, p.Services["grafana"])[b.Options.Path+"/migration-links.json"] != "dashboards/migration-links.json" {
		t.Errorf("%+v does not lead to the dashboard", b)
	}
}

// Deliberately broken files are detected.
func TestBroken(t *testing.T) {
	suite := realprometheus.Newest()
	realprogram.Need(t, loader, suite.Promtool)
	for _, test := range []struct{ name, file, old, replacement string }{
		{"a misspelled key of a service", "compose.yml", "read_only: true", "readonly: true"},
		{"a misspelled key of a build", "compose.yml", "dockerfile:", "dokerfile:"},
		{"a value of another type", "compose.yml", "cap_drop: [ALL]", "cap_drop: ALL"},
		{"a root that can be written to", "compose.yml", "read_only: true", "read_only: false"},
		{"a port that is open to others", "compose.yml", "127.0.0.1:9090:9090", "9090:9090"},
		{"a password in the environment", "compose.production.yml", "PASSWORD__FILE: /run/secrets/grafana-admin-password", "PASSWORD: example"},
		{"a volume that is not there", "compose.yml", "- grafana:/var/lib/grafana", "- grafanas:/var/lib/grafana"},
		{"a service that is not there", "compose.yml", "exporter: {condition", "exportr: {condition"},
		{"a secret that is not there", "compose.production.yml", "secrets: [production.pub, production.key]", "secrets: [staging.key]"},
		{"a misspelled key of Prometheus", "prometheus.yml", "scrape_timeout", "scrape_timout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"compose.yml", "compose.production.yml", "prometheus.yml"} {
				text := testfile.Read(t, name)
				if name == test.file {
					text = realprometheus.Replace(t, text, test.old, test.replacement)
				}
				testfile.Write(t, filepath.Join(dir, name), text)
			}
			for name, text := range rules(t) {
				testfile.Write(t, filepath.Join(dir, name), text)
			}
			out, err := realprogram.Run(t, loader, "-format=json", filepath.Join(dir, "compose.yml"), filepath.Join(dir, "compose.production.yml"))
			var p project
			if err != nil {
				err = errors.New(out)
			} else {
				err = json.Unmarshal([]byte(out), &p)
			}
			if found := problems(p); err == nil && len(found) != 0 {
				err = errors.New(strings.Join(found, "; "))
			}
			out, checking := realprogram.Run(t, suite.Promtool, "check", "config", filepath.Join(dir, "prometheus.yml"))
			switch {
			case checking != nil && err != nil:
				t.Error("Prometheus complains about what was not broken")
			case checking != nil:
				err = errors.New(out)
			}
			if err == nil {
				t.Fatal("nothing was wrong")
			}
			t.Log(err)
		})
	}
}

// rules returns the files that prometheus.yml refers to, by name.
func rules(t *testing.T) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, name := range []string{"alerts.yml", "report.yml"} {
		files[name] = testfile.Read(t, filepath.Join("../prometheus", name))
	}
	return files
}
