// Command opsmanager_exporter tells Prometheus whether the link between each
// organization of MongoDB Ops Manager or Cloud Manager and Atlas is up.
package main

import (
	"bytes"
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
	"path"
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
	_ "golang.org/x/crypto/x509roots/fallback" // public CA certificates, for systems that have none

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/check"
	"opsmanager_exporter/collector/demo"
	"opsmanager_exporter/collector/healthcheck"
	"opsmanager_exporter/collector/statuspage"
	"opsmanager_exporter/collector/web"
)

const (
	program       = "opsmanager_exporter"
	listenAddress = ":20301"
	demoAddress   = "127.0.0.1:20301"

	pathCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"
)

func main() {
	version.Version = cmp.Or(version.Version, builtVersion())
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it returns the exit status, 0 if all went well or a signal
// ended it, 1 otherwise.
func run(args []string, stdout, stderr io.Writer) int {
	// Set up before anything is loaded, so that no signal finds the default.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	// net/http logs what an upstream sent out of turn to the standard logger.
	stdlog.SetOutput(io.Discard)

	app := kingpin.New(program, "Exposes the state of the links between MongoDB Ops Manager organizations and Atlas.").
		UsageWriter(stdout).ErrorWriter(stderr)
	app.HelpFlag.Short('h')
	app.Version(version.Print(program))
	logConfig := &promslog.Config{Writer: stderr}
	promslogflag.AddFlags(app, logConfig)
	configFile := app.Flag("config.file", "Configuration file.").Default("opsmanager.yml").String()
	s := &server{web: kingpinflag.AddFlags(app, listenAddress)}
	var addressGiven bool
	app.GetFlag("web.listen-address").IsSetByUser(&addressGiven)
	app.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&s.telemetryPath)
	app.Flag("web.enable-lifecycle", "Allow POST /-/reload.").BoolVar(&s.enableLifecycle)
	app.Flag("web.disable-exporter-metrics", "Leave out metrics about the exporter itself (promhttp_*, process_*, go_*).").BoolVar(&s.disableExporterMetrics)
	app.Flag("web.external-url", "Where users reach the exporter, for /sd and links.").URLVar(&s.externalURL)
	app.Flag("web.max-requests", "Scrapes in flight at once; 503 beyond that. 0 for no limit.").Default("40").IntVar(&s.maxRequests)
	app.Flag("scrape.timeout-offset", "Taken off the scrape timeout that Prometheus announces.").Default("500ms").DurationVar(&s.timeoutOffset)
	serveCommand := app.Command("serve", "Serve metrics; the default command.").Default()
	checkCommand := app.Command("check", "Validate the configuration and all that it names.")
	checkOptions := check.Options{Stdout: stdout, Stderr: stderr}
	checkCommand.Flag("online", "Poll every organization once.").BoolVar(&checkOptions.Online)
	output := checkCommand.Flag("output", "With --online: table or json.").Default("table").Enum("table", "json")
	healthCommand := app.Command("healthcheck", "Exit 0 if something at --web.listen-address answers HTTP; for containers without a shell.")
	demoCommand := app.Command("demo", "Serve the metrics of a simulated Ops Manager on this machine; needs no files.")

	command, err := app.Parse(args)
	if err == nil {
		err = s.checkFlags()
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v; see %s --help\n", program, err, program)
		return 1
	}
	s.logger = promslog.New(logConfig)
	s.exporter = collector.NewExporter(s.logger, version.Version)
	defer s.exporter.Close()

	switch command {
	case serveCommand.FullCommand():
		if err = s.exporter.Load(*configFile); err == nil {
			err = s.serve(ctx, hangup, func() error { return s.exporter.Load(*configFile) })
		}
	case checkCommand.FullCommand():
		checkOptions.File, checkOptions.JSON = *configFile, *output == "json"
		checkOptions.Terminal = isTerminal(stderr)
		// What it finds it prints itself.
		checkOptions.Exporter = collector.NewExporter(promslog.NewNopLogger(), version.Version)
		defer checkOptions.Exporter.Close()
		err = check.Run(ctx, checkOptions)
	case healthCommand.FullCommand():
		err = healthcheck.Run(ctx, *s.web.WebListenAddresses)
	case demoCommand.FullCommand():
		if !addressGiven {
			*s.web.WebListenAddresses = []string{demoAddress}
		}
		err = runDemo(ctx, hangup, s, stdout)
	}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(stderr, "%s: %s\n", program, strings.TrimSpace(line))
		}
		return 1
	}
	return 0
}

func runDemo(ctx context.Context, hangup <-chan os.Signal, s *server, stdout io.Writer) error {
	d, err := demo.Start()
	if err != nil {
		return fmt.Errorf("start the simulated Ops Manager: %w", err)
	}
	load := func() error {
		s.exporter.Apply(d.Config)
		return nil
	}
	if err := load(); err != nil {
		return err
	}
	fmt.Fprint(stdout, d.Guide((*s.web.WebListenAddresses)[0], s.telemetryPath))
	return errors.Join(s.serve(ctx, hangup, load), d.Close())
}

// builtVersion is what go itself recorded of the version, for binaries that
// make did not build.
func builtVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// server is what the flags ask for.
type server struct {
	web                    *toolkit.FlagConfig
	telemetryPath          string
	disableExporterMetrics bool
	enableLifecycle        bool
	externalURL            *url.URL
	maxRequests            int
	timeoutOffset          time.Duration
	logger                 *slog.Logger
	exporter               *collector.Exporter
}

func (s *server) checkFlags() error {
	if s.maxRequests < 0 {
		return fmt.Errorf("--web.max-requests=%d: give 0 or more", s.maxRequests)
	}
	if s.timeoutOffset < 0 {
		return fmt.Errorf("--scrape.timeout-offset=%s: give 0 or more", s.timeoutOffset)
	}
	if u := s.externalURL; u != nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		return errors.New("--web.external-url: give http:// or https://, a host and perhaps a path, and nothing else")
	}
	if err := toolkit.Validate(*s.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file=%q: %s", *s.web.WebConfigFile, strings.Join(strings.Fields(err.Error()), " "))
	}
	return checkPath(s.telemetryPath)
}

// serve answers requests until ctx ends, and then those that are in flight.
// hangup, like POST /-/reload, calls load.
func (s *server) serve(ctx context.Context, hangup <-chan os.Signal, load func() error) error {
	reload := func() error {
		err := load()
		if err != nil {
			s.logger.Error("Reload failed, the configuration in use stays", "err", err)
		}
		return err
	}
	httpServer := &http.Server{
		Handler:           s.routes(reload),
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      30 * time.Second, // scrapes extend it
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          stdlog.New(serverLog{s.logger}, "", 0),
	}
	go func() { // by itself: a file system that does not answer must not keep a signal waiting
		for {
			select {
			case <-hangup:
				_ = reload() // which logs what is wrong
			case <-ctx.Done():
				return
			}
		}
	}()
	s.logger.Info("Starting "+program, "version", version.Info())
	served := make(chan error, 1)
	go func() { served <- toolkit.ListenAndServe(httpServer, s.web, s.logger) }()
	for {
		select {
		case err := <-served:
			return fmt.Errorf("serve HTTP: %w", err)
		case <-ctx.Done():
			s.logger.Info("Stopping: scrapes in flight are answered first")
			if err := httpServer.Shutdown(context.WithoutCancel(ctx)); err != nil {
				return fmt.Errorf("stop serving HTTP: %w", err)
			}
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve HTTP: %w", err)
			}
			return nil
		}
	}
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
		TelemetryPath: s.telemetryPath,
		ExternalURL:   s.externalURL,
		TimeoutOffset: s.timeoutOffset,
		MaxRequests:   s.maxRequests,
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

// serverLog takes what net/http has to say about the listener. Connections that
// end in the TLS handshake are the business of whoever made them: health checks
// and port scans do it all day.
type serverLog struct{ logger *slog.Logger }

// Write implements io.Writer.
func (l serverLog) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.Contains(line, []byte("TLS handshake error")) {
		level = slog.LevelDebug
	}
	l.logger.Log(context.Background(), level, "HTTP server", "message", strings.TrimSpace(string(line)))
	return len(line), nil
}

// checkPath refuses a path for the metrics that another page needs or that the
// router would read as a pattern.
func checkPath(telemetryPath string) error {
	switch telemetryPath {
	case "/", web.ProbePath, web.SDPath, web.HealthyPath, web.ReadyPath, web.ReloadPath:
		return fmt.Errorf("--web.telemetry-path=%q: this path serves something else, choose another", telemetryPath)
	}
	switch {
	case !strings.HasPrefix(telemetryPath, "/"):
		return fmt.Errorf("--web.telemetry-path=%q: begin it with /", telemetryPath)
	case strings.Trim(telemetryPath, pathCharacters) != "" || path.Clean(telemetryPath) != telemetryPath:
		return fmt.Errorf("--web.telemetry-path=%q: use letters, digits and - _ . / alone, and no / at the end", telemetryPath)
	}
	return nil
}
