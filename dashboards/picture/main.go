// Command picture draws the dashboard's picture, ../migration-links.png: with
// Grafana's own components, in Chromium, from a real Prometheus with a day of
// history of the organizations of "opsmanager_exporter demo".
//
// It runs in its own folder and needs npm, Chromium, and Prometheus and promtool
// in ../../.bin, where .ci/tools builds them. With -prometheus it draws what
// another Prometheus has.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

type options struct {
	out, panels, theme, prometheus string
	width                          int
	span                           time.Duration
	end                            int64
}

func main() {
	var o options
	flag.StringVar(&o.out, "out", "../migration-links.png", "the `file` to write")
	flag.StringVar(&o.panels, "panels", "1,2,3,4,5,6,8,9", "IDs of the panels to draw")
	flag.StringVar(&o.theme, "theme", "dark", "dark or light")
	flag.IntVar(&o.width, "width", 1600, "of the screen; below 769 all panels have its width")
	flag.DurationVar(&o.span, "span", 24*time.Hour, "the selected time")
	flag.StringVar(&o.prometheus, "prometheus", "", "`URL` of a Prometheus to draw; default: one with the demo's history")
	flag.Int64Var(&o.end, "end", time.Now().Unix(), "the end of the selected time, in Unix `seconds`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // this is main
	err := draw(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func draw(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "picture")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if o.prometheus == "" {
		var ended func()
		o.prometheus, ended, err = startPrometheus(ctx, dir, time.Unix(o.end, 0))
		if err != nil {
			return err
		}
		defer ended()
		defer cancel() // before it is waited for
	}
	if _, err := os.Stat("node_modules"); err != nil {
		if err := run(ctx, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
			return err
		}
	}
	if err := run(ctx, "npm", "run", "build"); err != nil {
		return err
	}
	page, err := serve(ctx, o)
	if err != nil {
		return err
	}
	return screenshot(ctx, dir, page, o)
}

// run runs a program to its end.
func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput() //nolint:gosec // the programs that this one names
	if err != nil {
		return fmt.Errorf("%s %q: %w\n%s", name, args, err, out)
	}
	return nil
}

// startPrometheus starts a Prometheus with a history that ends now, and returns
// its URL and what waits for its end.
func startPrometheus(ctx context.Context, dir string, now time.Time) (address string, ended func(), err error) {
	history, data, config := filepath.Join(dir, "history"), filepath.Join(dir, "data"), filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(history, []byte(openMetrics(now)), 0o600); err != nil {
		return "", nil, err
	}
	if err := run(ctx, "../../.bin/promtool", "tsdb", "create-blocks-from", "openmetrics", history, data); err != nil {
		return "", nil, err
	}
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		return "", nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	host := listener.Addr().String()
	listener.Close()
	args := []string{"--config.file=" + config, "--storage.tsdb.path=" + data, "--web.listen-address=" + host, "--log.level=error"}
	cmd := exec.CommandContext(ctx, "../../.bin/prometheus", args...) //nolint:gosec // files and an address that this program chose
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	address = "http://" + host
	for range 600 {
		if err = get(ctx, address+"/-/ready"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return address, func() { _ = cmd.Wait() }, err
}

func get(ctx context.Context, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, resp.Status)
	}
	return nil
}

// serve serves the page, the dashboard and the Prometheus, and returns the page's
// address.
func serve(ctx context.Context, o options) (string, error) {
	target, err := url.Parse(o.prometheus)
	if err != nil {
		return "", err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir("dist")))
	mux.Handle("/prometheus/", http.StripPrefix("/prometheus", proxy))
	mux.HandleFunc("/dashboard.json", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../migration-links.json") })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	go func() { _ = server.Serve(listener) }()
	query := url.Values{
		"panels": {o.panels}, "theme": {o.theme}, "width": {strconv.Itoa(o.width)},
		"span": {strconv.Itoa(int(o.span.Seconds()))}, "end": {strconv.FormatInt(o.end, 10)},
	}
	return "http://" + listener.Addr().String() + "/?" + query.Encode(), nil
}

// screenshot writes the picture: the page says in its title how high it is.
func screenshot(ctx context.Context, dir, page string, o options) error {
	out, err := filepath.Abs(o.out)
	if err != nil {
		return err
	}
	chromium := func(height int, args ...string) ([]byte, error) {
		args = append([]string{
			"--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + filepath.Join(dir, "chromium"),
			fmt.Sprintf("--window-size=%d,%d", o.width, height), "--virtual-time-budget=60000",
		}, args...)
		return exec.CommandContext(ctx, cmp.Or(os.Getenv("CHROMIUM"), "chromium"), append(args, page)...).Output() //nolint:gosec // who runs this says which
	}
	dom, err := chromium(1000, "--dump-dom")
	if err != nil {
		return fmt.Errorf("chromium: %w", err)
	}
	ready := regexp.MustCompile(`<title>ready (\d+)`).FindSubmatch(dom)
	if ready == nil {
		return fmt.Errorf("the page is not ready: %.2000s", dom)
	}
	height, err := strconv.Atoi(string(ready[1]))
	if err != nil {
		return err
	}
	if _, err := chromium(height, "--screenshot="+out); err != nil {
		return fmt.Errorf("chromium: %w", err)
	}
	return nil
}
