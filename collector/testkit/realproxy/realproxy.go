// Package realproxy starts real HAProxy and nginx for tests, in front of servers
// that the test has. Each listens on a port of 127.0.0.1 that the kernel chose,
// and ends with the test that started it.
//
// A program that is not installed skips the test, and fails it where CI=true.
package realproxy

import (
	_ "embed"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"text/template"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
	"opsmanager_exporter/collector/testkit/testfile"
)

// Options say what stands behind a proxy and how it passes requests on: one by
// one in turn, unless it is told otherwise.
type Options struct {
	// BackEnds are the URLs of servers, http and without a path.
	BackEnds []string
	// Sticky makes HAProxy keep a client at one back end by a cookie of its own.
	// nginx of Debian cannot.
	Sticky bool
	// Cache makes nginx keep answers with status 200 for ten minutes. HAProxy
	// keeps none that were asked for with credentials.
	Cache bool
	// StripPrefix is taken off the path of each request, such as /om.
	StripPrefix string
}

//go:embed haproxy.cfg.tmpl
var haproxyConfig string

//go:embed nginx.conf.tmpl
var nginxConfig string

// StartHAProxy starts HAProxy and returns its URL, without a slash at the end.
func StartHAProxy(tb testing.TB, o Options) string {
	tb.Helper()
	binary := realprogram.Find(tb, "haproxy")
	l := listen(tb)
	file := testfile.New(tb, "haproxy.cfg", o.render(tb, haproxyConfig, l))
	return serve(tb, l, exec.Command(binary, "-db", "-f", file))
}

// StartNginx starts nginx and returns its URL, without a slash at the end.
func StartNginx(tb testing.TB, o Options) string {
	tb.Helper()
	binary := realprogram.Find(tb, "nginx")
	l := listen(tb)
	cmd := exec.Command(binary, "-e", "stderr", "-c", testfile.New(tb, "nginx.conf", o.render(tb, nginxConfig, l)))
	cmd.Env = append(os.Environ(), "NGINX=3;") // as an nginx that is replaced hands on its sockets
	return serve(tb, l, cmd)
}

// render fills in a configuration.
func (o Options) render(tb testing.TB, text string, l *net.TCPListener) string {
	tb.Helper()
	t, err := template.New("").Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	var hosts []string
	for _, backEnd := range o.BackEnds {
		u, err := url.Parse(backEnd)
		if err != nil {
			tb.Fatal(err)
		}
		hosts = append(hosts, u.Host)
	}
	var b strings.Builder
	err = t.Execute(&b, struct {
		Options
		Hosts        []string
		Address, Dir string
		Root         bool
	}{o, hosts, l.Addr().String(), tb.TempDir(), os.Getuid() == 0})
	if err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// listen opens the port in the test, where the kernel can choose it: neither
// program can tell which one it was given.
func listen(tb testing.TB) *net.TCPListener {
	tb.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// serve starts a program with the listener as its file descriptor 3, and waits
// until it answers.
func serve(tb testing.TB, l *net.TCPListener, cmd *exec.Cmd) string {
	tb.Helper()
	defer func() { _ = l.Close() }() // the program has it
	socket, err := l.File()
	if err != nil {
		tb.Fatal(err)
	}
	defer socket.Close()
	cmd.ExtraFiles = []*os.File{socket}
	p := realprogram.Start(tb, cmd)
	address := "http://" + l.Addr().String()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	if !p.Ready(tb, func() error {
		resp, err := client.Get(address)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	}) {
		tb.Fatalf("%s ended instead of serving", cmd.Path)
	}
	return address
}
