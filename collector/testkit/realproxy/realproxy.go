// Package realproxy starts real HAProxy and nginx in front of the servers of a test. Each
// listens on a port of 127.0.0.1 chosen by the kernel and ends with the test that started
// it.
//
// If a program is not installed, the test is skipped, or with CI=true fails.
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

// Options configures a proxy. By default it balances requests round robin.
type Options struct {
	// BackEnds are the URLs of the servers, http and without a path.
	BackEnds []string
	// Sticky makes HAProxy send a client to the same back end by a cookie. Debian's
	// nginx cannot do this.
	Sticky bool
	// Cache makes nginx cache responses with status 200 for ten minutes. HAProxy caches
	// no responses to requests with credentials.
	Cache bool
	// StripPrefix is removed from the path of each request, such as /om.
	StripPrefix string
}

//go:embed haproxy.cfg.tmpl
var haproxyConfig string

//go:embed nginx.conf.tmpl
var nginxConfig string

// StartHAProxy starts HAProxy and returns its URL without a trailing slash.
func StartHAProxy(tb testing.TB, o Options) string {
	tb.Helper()
	binary := realprogram.Find(tb, "haproxy")
	l := listen(tb)
	file := testfile.New(tb, "haproxy.cfg", o.render(tb, haproxyConfig, l))
	return serve(tb, l, exec.Command(binary, "-db", "-f", file))
}

// StartNginx starts nginx and returns its URL without a trailing slash.
func StartNginx(tb testing.TB, o Options) string {
	tb.Helper()
	binary := realprogram.Find(tb, "nginx")
	l := listen(tb)
	cmd := exec.Command(binary, "-e", "stderr", "-c", testfile.New(tb, "nginx.conf", o.render(tb, nginxConfig, l)))
	cmd.Env = append(os.Environ(), "NGINX=3;") // as nginx passes sockets to its replacement
	return serve(tb, l, cmd)
}

// render executes a configuration template.
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

// listen opens a port chosen by the kernel. The programs could not report which port they
// were given.
func listen(tb testing.TB) *net.TCPListener {
	tb.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// serve starts a program with the listener as file descriptor 3, and waits until it
// responds.
func serve(tb testing.TB, l *net.TCPListener, cmd *exec.Cmd) string {
	tb.Helper()
	defer func() { _ = l.Close() }() // the program has a copy
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
