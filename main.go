// Command opsmanager_exporter tells Prometheus whether the link between each
// organization of MongoDB Ops Manager or Cloud Manager and Atlas is up.
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
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/promslog"
	promslogflag "github.com/prometheus/common/promslog/flag"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"opsmanager_exporter/collector"
	"opsmanager_exporter/collector/demo"
)

const (
	program       = "opsmanager_exporter"
	listenAddress = ":20301"
	demoAddress   = "127.0.0.1:20301"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it returns the exit status, 0 if all went well or a signal
// ended it, 1 otherwise.
func run(args []string, stdout, stderr io.Writer) int {
	// Set up before anything is loaded, so that no signal finds the default.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
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
	app.Flag("web.disable-exporter-metrics", "Leave out metrics about the exporter itself (promhttp_*, process_*, go_*).").BoolVar(&s.disableExporterMetrics)
	app.Flag("web.max-requests", "Scrapes in flight at once; 503 beyond that. 0 for no limit.").Default("40").IntVar(&s.maxRequests)
	app.Flag("scrape.timeout-offset", "Taken off the scrape timeout that Prometheus announces.").Default("500ms").DurationVar(&s.timeoutOffset)
	serveCommand := app.Command("serve", "Serve metrics; the default command.").Default()
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
	s.exporter = collector.NewExporter(s.logger, cmp.Or(version.Version, "devel"))
	defer s.exporter.Close()

	switch command {
	case serveCommand.FullCommand():
		if err = s.exporter.Load(*configFile); err == nil {
			err = s.serve(ctx, hangup, *configFile)
		}
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
	s.exporter.Apply(d.Config)
	fmt.Fprint(stdout, d.Guide((*s.web.WebListenAddresses)[0], s.telemetryPath))
	return errors.Join(s.serve(ctx, hangup, ""), d.Close())
}

// server is what the flags ask for.
type server struct {
	web                    *web.FlagConfig
	telemetryPath          string
	disableExporterMetrics bool
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
	return checkPath(s.telemetryPath)
}

// serve answers requests until ctx ends, and then those that are in flight.
// hangup reloads configFile, if there is one.
func (s *server) serve(ctx context.Context, hangup <-chan os.Signal, configFile string) error {
	handler, err := s.routes()
	if err != nil {
		return err
	}
	httpServer := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	s.logger.Info("Starting "+program, "version", version.Info())
	served := make(chan error, 1)
	go func() { served <- web.ListenAndServe(httpServer, s.web, s.logger) }()
	for {
		select {
		case err := <-served:
			return fmt.Errorf("serve HTTP: %w", err)
		case <-hangup:
			if configFile == "" {
				continue
			}
			if err := s.exporter.Load(configFile); err != nil {
				s.logger.Error("Reload failed, the configuration in use stays", "err", err)
			}
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

func (s *server) routes() (http.Handler, error) {
	reg := s.exporter.Registerer()
	reg.MustRegister(versioncollector.NewCollector(program))
	metrics := s.exporter.Metrics(s.timeoutOffset)
	if !s.disableExporterMetrics {
		reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
		metrics = promhttp.InstrumentMetricHandler(reg, metrics)
	}
	landing, err := web.NewLandingPage(web.LandingConfig{
		Name:        program,
		Description: "The state of the links between MongoDB Ops Manager organizations and Atlas.",
		Version:     version.Info(),
		Profiling:   "false",
		Links:       []web.LandingLinks{{Address: s.telemetryPath, Text: "Metrics"}},
	})
	if err != nil {
		return nil, fmt.Errorf("build the page at /: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+s.telemetryPath, collector.Limit(s.maxRequests, metrics))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, program+" is healthy.") })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, program+" is ready.") })
	mux.Handle("GET /{$}", landing)
	return mux, nil
}

// checkPath refuses a path for the metrics that another page needs or that the
// router would read as a pattern.
func checkPath(path string) error {
	switch {
	case path == "" || path[0] != '/':
		return fmt.Errorf("--web.telemetry-path=%q: begin it with /", path)
	case path == "/" || path == "/-/healthy" || path == "/-/ready" || path == "/-/reload" || path == "/probe" || path == "/sd":
		return fmt.Errorf("--web.telemetry-path=%q: this path serves something else, choose another", path)
	}
	for _, c := range path {
		if c <= ' ' || c == '{' || c == '}' || c == '?' || c == '#' || c == '%' || c == 0x7f {
			return fmt.Errorf("--web.telemetry-path=%q: use letters, digits and - _ . / alone", path)
		}
	}
	return nil
}
