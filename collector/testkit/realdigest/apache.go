package realdigest

import (
	"bytes"
	"crypto/md5"
	_ "embed"
	"encoding/hex"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"opsmanager_exporter/collector/testkit/realprogram"
)

const (
	apacheModules = "/usr/lib/apache2/modules"
	// apachePorts is the number of ports to try. Apache cannot choose a port itself,
	// and another process may take it before Apache listens.
	apachePorts = 5
)

//go:embed httpd.conf.tmpl
var apacheConfig string

// StartApache starts Apache httpd with mod_auth_digest in front of o.Backend. If Apache
// is not installed, the test is skipped, or in CI fails.
func StartApache(tb testing.TB, o Options) *Server {
	tb.Helper()
	binary := realprogram.Find(tb, "apache2")
	config, err := template.New("httpd.conf").Parse(apacheConfig)
	if err != nil {
		tb.Fatal(err)
	}

	backend := serveBackend(tb, o)
	dir := tempDir(tb)
	writeFile(tb, filepath.Join(dir, "htdigest"), htdigest(o.Keys))
	var id *identity
	server := &Server{}
	if o.TLS {
		id = newIdentity(tb, dir)
		server.CAFile = id.caFile
	}

	for range apachePorts {
		_, port, err := net.SplitHostPort(realprogram.FreeAddress(tb))
		if err != nil {
			tb.Fatal(err)
		}
		server.URL = serverURL(port, id)
		var text bytes.Buffer
		err = config.Execute(&text, map[string]any{
			"Modules":       apacheModules,
			"Dir":           dir,
			"Port":          port,
			"Root":          os.Getuid() == 0,
			"Realm":         Realm,
			"NonceLifetime": apacheNonceLifetime(o),
			"Backend":       backend.URL,
			"TLS":           o.TLS,
		})
		if err != nil {
			tb.Fatal(err)
		}
		file := filepath.Join(dir, "httpd.conf")
		writeFile(tb, file, text.Bytes())

		process := realprogram.Start(tb, exec.Command(binary, "-DFOREGROUND", "-f", file))
		ready := process.Ready(tb, func() error {
			// A response alone proves nothing: if the port was taken, it is from
			// another server. Apache writes its PID only once it listens.
			if _, err := os.Stat(filepath.Join(dir, "pid")); err != nil {
				return err
			}
			return answers(server.URL, id)
		})
		if ready {
			// Runs before Apache is stopped, which would wait for requests in flight.
			tb.Cleanup(backend.CloseClientConnections)
			return server
		}
		if !strings.Contains(process.Log.String(), "could not bind to address") {
			tb.Fatal("realdigest: Apache ended instead of serving")
		}
	}
	tb.Fatalf("realdigest: each of %d ports was taken", apachePorts)
	return nil
}

// apacheNonceLifetime returns the value of AuthDigestNonceLifetime, in seconds.
func apacheNonceLifetime(o Options) int {
	if o.OneTimeNonces {
		return 0
	}
	return int((o.nonceLifetime() + time.Second - 1) / time.Second)
}

// htdigest returns the content of a file in the format of Apache's htdigest.
func htdigest(keys map[string]string) []byte {
	var lines strings.Builder
	for public, private := range keys {
		sum := md5.Sum([]byte(public + ":" + Realm + ":" + private))
		lines.WriteString(public + ":" + Realm + ":" + hex.EncodeToString(sum[:]) + "\n")
	}
	return []byte(lines.String())
}
