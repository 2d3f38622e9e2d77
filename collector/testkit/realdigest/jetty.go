package realdigest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opsmanager_exporter/collector/testkit/realprogram"
)

const javaLibraries = "/usr/share/java"

//go:embed DigestServer.java
var jettySource []byte

// StartJetty starts Eclipse Jetty with its DigestAuthenticator in front of o.Backend. If
// Jetty or a JDK is not installed, the test is skipped, or in CI fails.
func StartJetty(tb testing.TB, o Options) *Server {
	tb.Helper()
	java := realprogram.Find(tb, "java")
	realprogram.Find(tb, "javac") // a runtime without the compiler cannot run DigestServer.java
	classpath := jettyClasspath(tb)

	backend := serveBackend(tb, o)
	dir := tempDir(tb)
	source := filepath.Join(dir, "DigestServer.java")
	writeFile(tb, source, jettySource)
	writeFile(tb, filepath.Join(dir, "keys"), keyLines(o.Keys))
	var id *identity
	server := &Server{}
	if o.TLS {
		id = newIdentity(tb, dir)
		server.CAFile = id.caFile
	}

	// Jetty rejects the maximum count itself, with a new challenge.
	maxNonceCount := 1024 // Jetty's default
	if o.OneTimeNonces {
		maxNonceCount = 2
	}
	process := realprogram.Start(tb, exec.Command(java,
		// For a fast start, and no files outside dir.
		"-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Djava.io.tmpdir="+dir,
		// Passes the Host header to the backend as it was sent.
		"-Djdk.httpclient.allowRestrictedHeaders=host,connection",
		// Prevents HttpClient from silently retrying a GET whose connection breaks.
		"-Djdk.httpclient.redirects.retrylimit=1",
		"-cp", classpath, source,
		dir, backend.URL, Realm,
		strconv.FormatInt(o.nonceLifetime().Milliseconds(), 10),
		strconv.Itoa(maxNonceCount),
		strconv.FormatBool(o.TLS)))
	ready := process.Ready(tb, func() error {
		port, err := os.ReadFile(filepath.Join(dir, "port"))
		if err != nil {
			return err
		}
		server.URL = serverURL(string(port), id)
		return answers(server.URL, id)
	})
	if !ready {
		tb.Fatal("realdigest: Jetty ended instead of serving")
	}
	return server
}

func jettyClasspath(tb testing.TB) string {
	tb.Helper()
	var jars []string
	for _, name := range []string{
		"jetty9-http.jar", "jetty9-io.jar", "jetty9-security.jar", "jetty9-server.jar", "jetty9-util.jar",
		"servlet-api.jar",
	} {
		jar := filepath.Join(javaLibraries, name)
		realprogram.Need(tb, jar)
		jars = append(jars, jar)
	}
	return strings.Join(jars, string(os.PathListSeparator))
}

// keyLines returns the keys in the format of DigestServer: each public key on a line,
// followed by its private key on the next.
func keyLines(keys map[string]string) []byte {
	var lines strings.Builder
	for public, private := range keys {
		lines.WriteString(public + "\n" + private + "\n")
	}
	return []byte(lines.String())
}
