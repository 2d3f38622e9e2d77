// Command opsmanager_exporter is a Prometheus exporter for the status of the migration
// links between MongoDB Ops Manager or Cloud Manager organizations and Atlas.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
	_ "golang.org/x/crypto/x509roots/fallback" // public CA certificates, for systems without any

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/check"
	"opsmanager_exporter/collector/demo"
	"opsmanager_exporter/collector/flags"
	"opsmanager_exporter/collector/healthcheck"
	"opsmanager_exporter/collector/lifecycle"
	"opsmanager_exporter/collector/listener"
	"opsmanager_exporter/collector/listener/webconfig"
	"opsmanager_exporter/collector/orgs"
	"opsmanager_exporter/collector/output"
	"opsmanager_exporter/collector/statuspage"
	"opsmanager_exporter/collector/web"
)

const (
	program       = "opsmanager_exporter"
	listenAddress = ":20301"
	demoAddress   = "127.0.0.1:20301"

	help = `Prometheus exporter for the status of the migration links between MongoDB Ops Manager or Cloud Manager organizations and Atlas.

Examples:

  opsmanager_exporter demo
  opsmanager_exporter check --online --config.file=opsmanager.yml
  opsmanager_exporter --config.file=opsmanager.yml`

	outputLimit = 1 << 20         // maximum size of buffered output, in bytes
	lastWords   = time.Second     // how long the program waits for its output to be read on exit
	grace       = 2 * time.Second // how long a command may take to end after a signal
)

func main() {
	version.Version = cmp.Or(version.Version, builtVersion())
	kingpin.EnableFileExpansion = false // reading @file would have no time limit
	kingpin.ManPageTemplate = flags.ManualPage
	signal.Ignore(syscall.SIGPIPE) // if the reader of the output is gone, only output is lost
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run runs the program and returns its exit status: 0 on success or if a signal
// stopped it, 1 otherwise.
func run(args []string, stdout, stderr io.Writer) int {
	// net/http logs unsolicited responses, with their contents, to the standard logger.
	stdlog.SetOutput(io.Discard)
	stdout = output.IgnoreClosed(stdout)

	app := flags.NewApplication(program, help, stdout, stderr)
	app.Version(version.Print(program))
	logConfig := &promslog.Config{Writer: stderr}
	promslogflag.AddFlags(app, logConfig)
	configFile := app.Flag("config.file", "Path to the configuration file.").Default("opsmanager.yml").String()
	s := &server{web: kingpinflag.AddFlags(app, listenAddress)}
	app.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").StringVar(&s.telemetryPath)
	app.Flag("web.enable-lifecycle", "Enable reloading the configuration with POST /-/reload.").BoolVar(&s.enableLifecycle)
	app.Flag("web.disable-exporter-metrics", "Exclude metrics about the exporter itself (promhttp_*, process_*, go_*).").BoolVar(&s.disableExporterMetrics)
	app.Flag("web.external-url", "URL under which the exporter is externally reachable, for example through a reverse proxy; used in /sd and in links.").URLVar(&s.externalURL)
	app.Flag("web.route-prefix", "Prefix of all paths that are served. Defaults to the path of --web.external-url.").StringVar(&s.routePrefix)
	app.Flag("web.max-requests", "Maximum number of concurrent scrapes; others get status 503. Use 0 to disable.").Default("40").IntVar(&s.maxRequests)
	app.Flag("scrape.timeout-offset", "Subtracted from the scrape timeout that Prometheus announces; capped at half of it.").Default("500ms").DurationVar(&s.timeoutOffset)
	app.Flag("scrape.default-timeout", "Scrape timeout to assume if a scrape announces none.").Default("10s").DurationVar(&s.defaultTimeout)
	serveCommand := app.Command("serve", "Serve metrics (default). On SIGTERM, the scrapes in flight are answered first, for at most 25s; a second SIGTERM stops it immediately.").Default()
	checkCommand := app.Command("check", "Validate the configuration and all files that it refers to.")
	checkOptions := check.Options{Stdout: stdout, Stderr: stderr, Terminal: output.IsTerminal(stderr)}
	checkCommand.Flag("online", "Also poll every organization once, and say how to fix each failure.").BoolVar(&checkOptions.Online)
	checkOutput := checkCommand.Flag("output", "Output format of --online: table or json.").Default("table").String()
	orgsCommand := app.Command("orgs", "Print the organizations that the configured credentials can see, ready to paste into the configuration.")
	orgsOptions := orgs.Options{Stdout: stdout, Stderr: stderr}
	orgsOutput := orgsCommand.Flag("output", "Output format: yaml or json.").Default("yaml").String()
	healthCommand := app.Command("healthcheck", "Exit with status 0 if there is an HTTP response from --web.listen-address; for containers without a shell.")
	demoCommand := app.Command("demo", "Serve metrics of a simulated Ops Manager on this host; needs no configuration. Eight organizations: one synced, one not, one alternating, five that cannot be read.")
	switch {
	case flags.Selected(app, args, demoCommand):
		app.GetFlag("web.listen-address").Default(demoAddress)
		app.GetFlag("config.file").Hidden()
	case flags.Selected(app, args, checkCommand):
		flags.HideAllBut(app, "config.file", "web.config.file")
	case flags.Selected(app, args, orgsCommand):
		flags.HideAllBut(app, "config.file")
	case flags.Selected(app, args, healthCommand):
		flags.HideAllBut(app, "web.listen-address", "web.config.file")
	}
	for flag, check := range map[*kingpin.FlagClause]flags.Check{
		app.GetFlag("log.level"):              flags.AnyCase(flags.OneOf(promslog.LevelFlagOptions...)),
		app.GetFlag("log.format"):             flags.OneOf(promslog.FormatFlagOptions...),
		app.GetFlag("web.listen-address"):     flags.Address(context.Background()),
		app.GetFlag("web.telemetry-path"):     flags.Path("/", web.ProbePath, web.SDPath, web.HealthyPath, web.ReadyPath, web.ReloadPath),
		app.GetFlag("web.external-url"):       flags.ExternalURL,
		app.GetFlag("web.route-prefix"):       flags.Prefix,
		app.GetFlag("web.max-requests"):       flags.Count,
		app.GetFlag("scrape.timeout-offset"):  flags.Duration(0),
		app.GetFlag("scrape.default-timeout"): flags.Duration(100 * time.Millisecond),
		checkCommand.GetFlag("output"):        flags.OneOf("table", "json"),
		orgsCommand.GetFlag("output"):         flags.OneOf("yaml", "json"),
	} {
		flags.Explain(flag, check)
	}
	name, err := flags.Parse(app, args)
	if err == nil {
		s.routePrefix, err = flags.RoutePrefix(s.routePrefix, s.externalURL)
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v; see %s --help\n", program, err, program)
		return 1
	}

	// Set up before anything is loaded, so that signals are always handled.
	signals, hangup := make(chan os.Signal, 2), make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	signal.Notify(hangup, syscall.SIGHUP)
	s.hangup = hangup
	log, out := output.NewBuffer(stderr, outputLimit), output.NewBuffer(stdout, outputLimit)
	defer output.Close(lastWords, log, out)
	plain := func(w io.Writer) func(string) {
		return func(problem string) { fmt.Fprintf(w, "%s: %s\n", program, problem) }
	}
	// A command may block on the reader of its output, but the exit must not.
	var command func(context.Context) error
	report, lastReport, patience := plain(stderr), plain(log), grace
	switch name {
	case serveCommand.FullCommand(), demoCommand.FullCommand():
		logConfig.Writer = log
		s.logger = promslog.New(logConfig)
		log.OnDrain(func(lines int) {
			s.logger.Warn(fmt.Sprintf("%d log lines were dropped because nothing was reading the log", lines)) //nolint:sloglint // the sentence needs its number
		})
		s.exporter = collector.NewExporter(s.logger, version.Version)
		s.exporter.Registerer().MustRegister(log.Metric())
		defer s.exporter.Close()
		patience += listener.StopTimeout
		report = func(problem string) { s.logger.Error("Exiting because of an error", "err", problem) }
		lastReport = report
		command = func(ctx context.Context) error {
			return s.serve(ctx, func() error { return s.exporter.Load(*configFile) }, func(*url.URL) {})
		}
		if name == demoCommand.FullCommand() {
			command = func(ctx context.Context) error { return s.demo(ctx, out) }
		}
	case checkCommand.FullCommand():
		checkOptions.File, checkOptions.JSON = *configFile, *checkOutput == "json"
		// The check prints its results itself.
		checkOptions.Exporter = collector.NewExporter(promslog.NewNopLogger(), version.Version)
		defer checkOptions.Exporter.Close()
		command = func(ctx context.Context) error {
			_, err := webconfig.Open(ctx, *s.web.WebConfigFile, promslog.NewNopLogger())
			return errors.Join(err, check.Run(ctx, checkOptions))
		}
	case orgsCommand.FullCommand():
		orgsOptions.File, orgsOptions.JSON = *configFile, *orgsOutput == "json"
		orgsOptions.Exporter = collector.NewExporter(promslog.NewNopLogger(), version.Version)
		defer orgsOptions.Exporter.Close()
		command = func(ctx context.Context) error { return orgs.Run(ctx, orgsOptions) }
	case healthCommand.FullCommand():
		command = func(ctx context.Context) error {
			return healthcheck.Run(ctx, *s.web.WebListenAddresses, *s.web.WebConfigFile)
		}
	}
	return lifecycle.Run(context.Background(), signals, patience, lastReport, func(ctx context.Context) int {
		err := command(ctx)
		if err == nil {
			return 0
		}
		for line := range strings.Lines(err.Error()) {
			report(strings.TrimSpace(line))
		}
		return 1
	})
}

// builtVersion returns the version that the Go toolchain recorded, for binaries not
// built with make.
func builtVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

// server holds the values of the flags and what serving needs.
type server struct {
	web                    *toolkit.FlagConfig
	telemetryPath          string
	routePrefix            string
	disableExporterMetrics bool
	enableLifecycle        bool
	externalURL            *url.URL
	maxRequests            int
	timeoutOffset          time.Duration
	defaultTimeout         time.Duration
	hangup                 <-chan os.Signal
	logger                 *slog.Logger
	exporter               *collector.Exporter
}

// demo serves the metrics of a simulated Ops Manager and writes a guide to out.
func (s *server) demo(ctx context.Context, out io.Writer) error {
	d, err := demo.Start()
	if err != nil {
		return fmt.Errorf("start the simulated Ops Manager: %w", err)
	}
	load := func() error {
		s.exporter.Apply(d.Config)
		return nil
	}
	guide := func(base *url.URL) {
		fmt.Fprint(out, d.Guide(base.JoinPath(s.routePrefix), s.telemetryPath))
	}
	return errors.Join(s.serve(ctx, load, guide), d.Close())
}

// serve calls load, listens, calls ready with the URL of the first listener, and serves
// requests until ctx is done, and then those in flight. SIGHUP and POST /-/reload call
// load again.
func (s *server) serve(ctx context.Context, load func() error, ready func(base *url.URL)) error {
	s.logger.Info("Starting "+program, "version", version.Info())
	security, err := webconfig.Open(ctx, *s.web.WebConfigFile, s.logger)
	if err == nil {
		err = lifecycle.Do(ctx, load)
	}
	o := listener.Options{Security: security, Logger: s.logger}
	if err == nil {
		o.Listeners, err = listener.Listen(ctx, *s.web.WebListenAddresses, *s.web.WebSystemdSocket)
	}
	if stopped := ctx.Err() != nil; stopped {
		s.logger.Info("Stopped before serving any requests")
		return nil //nolint:nilerr // stopping on a signal is not an error
	}
	if err != nil {
		return err
	}
	ready(o.URL())
	reload := func() error {
		err := lifecycle.Do(ctx, load)
		if err != nil && ctx.Err() == nil {
			s.logger.Error("Reloading the configuration failed; the previous one stays in use", "err", err)
		}
		return err
	}
	go lifecycle.OnSignal(ctx, s.hangup, func() { _ = reload() }) // logs its error
	o.Handler = s.routes(reload)
	return listener.Serve(ctx, o)
}

func (s *server) routes(reload func() error) http.Handler {
	reg := s.exporter.Registerer()
	reg.MustRegister(versioncollector.NewCollector(program))
	opts := web.Options{
		Exporter: s.exporter,
		Logger:   s.logger,
		Page: statuspage.New(statuspage.Options{
			Snapshot:    s.exporter.Snapshot,
			MetricsPath: s.telemetryPath,
			ExternalURL: s.externalURL,
			Version:     version.Version,
		}),
		TelemetryPath:  s.telemetryPath,
		RoutePrefix:    s.routePrefix,
		ExternalURL:    s.externalURL,
		TimeoutOffset:  s.timeoutOffset,
		DefaultTimeout: s.defaultTimeout,
		MaxRequests:    s.maxRequests,
	}
	if !s.disableExporterMetrics {
		reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		opts.Instrumentation = reg
	}
	if s.enableLifecycle {
		opts.Reload = reload
	}
	return web.New(opts)
}
