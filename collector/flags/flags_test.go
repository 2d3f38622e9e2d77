package flags

import (
	"net/url"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
)

// application is like the command line of the exporter.
func application(t *testing.T) *kingpin.Application {
	app := kingpin.New("exporter", "")
	app.Flag("web.max-requests", "").Default("40").Int()
	app.Flag("scrape.timeout-offset", "").Default("500ms").Duration()
	app.Flag("scrape.default-timeout", "").Default("10s").Duration()
	app.Flag("web.listen-address", "").Default(":20301").Strings()
	app.Flag("web.external-url", "").URL()
	app.Flag("web.telemetry-path", "").Default("/metrics").String()
	app.Flag("web.route-prefix", "").String()
	app.Flag("web.enable-lifecycle", "").Bool()
	app.Flag("log.level", "").Default("info").Enum("debug", "info", "INFO")
	app.Command("serve", "").Default()
	check := app.Command("check", "")
	check.Flag("online", "").Bool()
	check.Flag("output", "").Default("table").Enum("table", "json")
	for name, c := range map[string]Check{
		"web.max-requests":       Count,
		"scrape.timeout-offset":  Duration(0),
		"scrape.default-timeout": Duration(100 * time.Millisecond),
		"web.listen-address":     Address(t.Context()),
		"web.external-url":       ExternalURL,
		"web.telemetry-path":     Path("/", "/sd"),
		"web.route-prefix":       Prefix,
		"log.level":              AnyCase(OneOf("debug", "info")),
	} {
		Explain(app.GetFlag(name), c)
	}
	Explain(check.GetFlag("output"), OneOf("table", "json"))
	return app
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--web.max-requests=x"}, `--web.max-requests="x": must be a whole number, such as 40`},
		{[]string{"--web.max-requests=1.5"}, `--web.max-requests=1.5: must be a whole number, such as 40`},
		{[]string{"--web.max-requests=-1"}, `--web.max-requests=-1: must be 0 or greater`},
		{[]string{"--web.max-requests="}, `--web.max-requests="": must be a whole number, such as 40`},
		{[]string{"--web.max-requests"}, `--web.max-requests: requires a value: --web.max-requests=VALUE`},
		{[]string{"--web.listen-address", "--log.level=debug"}, `--web.listen-address: requires a value: --web.listen-address=VALUE`},
		{[]string{"--web.max-requests=1", "--web.max-requests=2"}, `--web.max-requests: can be given only once`},
		{[]string{"--scrape.timeout-offset=5"}, `--scrape.timeout-offset=5: must be a duration with a unit, such as 500ms or 5s`},
		{[]string{"--scrape.timeout-offset=-1s"}, `--scrape.timeout-offset=-1s: must be 0 or greater`},
		{[]string{"--scrape.default-timeout=10ms"}, `--scrape.default-timeout=10ms: must be at least 100ms`},
		{[]string{"--scrape.default-timeout=forever"}, `--scrape.default-timeout="forever": must be a duration with a unit, such as 500ms or 5s`},
		{[]string{"--web.listen-address=20301"}, `--web.listen-address=20301: must be host:port or :port, such as :20301`},
		{[]string{"--web.listen-address=127.0.0.1"}, `--web.listen-address=127.0.0.1: must be host:port, such as 127.0.0.1:20301`},
		{[]string{"--web.listen-address=localhost"}, `--web.listen-address="localhost": must be host:port or :port, such as :20301`},
		{[]string{"--web.listen-address=::1"}, `--web.listen-address="::1": an IPv6 address must be in brackets and followed by a port, such as [::1]:20301`},
		{[]string{"--web.listen-address=http://127.0.0.1:20301"}, `--web.listen-address="http://127.0.0.1:20301": must be host:port without a scheme, such as 127.0.0.1:20301`},
		{[]string{"--web.listen-address=:99999"}, `--web.listen-address=":99999": "99999" is not a port: use a number from 1 to 65535`},
		{[]string{"--web.listen-address=:1", "--web.listen-address=:no-such-service"}, `--web.listen-address=":no-such-service": "no-such-service" is not a port: use a number from 1 to 65535`},
		{[]string{"--web.listen-address=vsock://20301"}, `--web.listen-address="vsock://20301": must be vsock://:port, such as vsock://:20301`},
		{[]string{"--web.external-url=exporter.example.net"}, `--web.external-url="exporter.example.net": must be http:// or https:// followed by a host and optionally a path`},
		{[]string{"--web.external-url=https://a:secret@exporter.example.net"}, `--web.external-url: must be http:// or https:// followed by a host and optionally a path`},
		{[]string{"--web.external-url=https://a:secret@exporter.example.net:x"}, `--web.external-url: must be http:// or https:// followed by a host and optionally a path`},
		{[]string{"--web.telemetry-path=metrics"}, `--web.telemetry-path="metrics": must begin with /`},
		{[]string{"--web.telemetry-path="}, `--web.telemetry-path="": must begin with /`},
		{[]string{"--web.telemetry-path=/sd"}, `--web.telemetry-path="/sd": this path is already in use: choose another`},
		{[]string{"--web.telemetry-path=/{x}"}, `--web.telemetry-path="/{x}": must contain only letters, digits and - _ . /, and must not end in /`},
		{[]string{"--web.telemetry-path=/a/../-/ready"}, `--web.telemetry-path="/a/../-/ready": must contain only letters, digits and - _ . /, and must not end in /`},
		{[]string{"--web.route-prefix=/a b"}, `--web.route-prefix="/a b": must contain only letters, digits and - _ . /, and must not end in /`},
		{[]string{"--log.level=warning"}, `--log.level="warning": must be debug or info`},
		{[]string{"check", "--output=xml"}, `--output="xml": must be table or json`},
		{[]string{"chek"}, `"chek": unknown command: did you mean check?`},
		{[]string{"surprise"}, `"surprise": unknown command: the commands are serve, check`},
		{[]string{"check", "serve"}, `"serve": only one command can be given`},
		{[]string{"--surprise"}, `--surprise: unknown flag`},
		{[]string{"--web.max-request=5"}, `--web.max-request: unknown flag: did you mean --web.max-requests?`},
		{[]string{"--online"}, `--online: is a flag of another command: use exporter check --online`},
		{[]string{"check", "--onlin"}, `--onlin: unknown flag: did you mean --online?`},
		{[]string{"-web.max-requests=5"}, `-web.max-requests: unknown flag: did you mean --web.max-requests?`},
		{[]string{"-x"}, `-x: unknown flag`},
		{[]string{"--web.enable-lifecycle=true"}, `--web.enable-lifecycle=true: takes no value: use --web.enable-lifecycle or --no-web.enable-lifecycle`},
	} {
		t.Run(tt.args[len(tt.args)-1], func(t *testing.T) {
			if command, err := Parse(application(t), tt.args); err == nil || err.Error() != tt.want || command != "" {
				t.Errorf("%q: got %q, %v, want %s", tt.args, command, err, tt.want)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"--web.max-requests=0"},
		{"--web.max-requests", "7"},
		{"--scrape.timeout-offset=0"},
		{"--scrape.default-timeout=1m30s"},
		// Go knows the port http even where /etc/services is absent.
		{"--web.listen-address=:20301", "--web.listen-address=[fe80::1%eth0]:20301", "--web.listen-address=127.0.0.1:http", "--web.listen-address=exporter:0", "--web.listen-address=vsock://:20301"},
		{"--web.external-url=https://prometheus.example.net/om/"},
		{"--web.route-prefix=/"},
		{"--web.route-prefix=om/exporter/"},
		{"--log.level=INFO"},
		{"--no-web.enable-lifecycle"},
		{"check", "--output=json"},
	} {
		if _, err := Parse(application(t), args); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestRoutePrefix(t *testing.T) {
	for _, tt := range []struct{ given, external, want, err string }{
		{"", "", "/", ""},
		{"", "https://example.net", "/", ""},
		{"", "https://example.net/om/", "/om", ""},
		{"/", "https://example.net/om/", "/", ""},
		{"om/exporter/", "https://example.net", "/om/exporter", ""},
		{"", "https://example.net/a%20b", "", `--web.external-url: its path "/a b" cannot be used as a route prefix: set --web.route-prefix`},
	} {
		var external *url.URL
		if tt.external != "" {
			external, _ = url.Parse(tt.external)
		}
		got, err := RoutePrefix(tt.given, external)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%q, %q: got %q, %v", tt.given, tt.external, got, err)
		}
	}
}
